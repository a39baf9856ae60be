"""Histograms as the suite publishes them."""

from async_rl_core.realtime.histogram import Histogram
from async_rl_interfaces.msg import Histogram as HistogramMessage


def histogram_message(histogram: Histogram) -> HistogramMessage:
    """The message of a histogram of milliseconds."""
    return HistogramMessage(
        name=histogram.name,
        unit="ms",
        edge=histogram.edges.tolist(),
        count=histogram.counts.tolist(),
        mean=histogram.mean,
        p50=histogram.percentile(50),
        p99=histogram.percentile(99),
        max=histogram.max,
    )
