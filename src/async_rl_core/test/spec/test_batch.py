import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.spec.batch import ALIGNMENT, BatchLayout
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart

SPEC = ObservationSpec(ImageSpec(height=5, width=7, channels=9), (StatePart("joint_position", 4, "rad"),))
LAYOUT = BatchLayout(batch_size=3, observation=SPEC, action=2)


def test_batch_arrays_are_aligned_and_do_not_overlap() -> None:
    batch = LAYOUT.allocate()
    start = batch.buffer.ctypes.data
    arrays = [getattr(batch, name) for name in batch.__slots__ if name != "buffer"]
    spans = sorted((array.ctypes.data - start, array.nbytes) for array in arrays)
    assert all(offset % ALIGNMENT == 0 for offset, _ in spans)
    ends = [offset + nbytes for offset, nbytes in spans]
    assert all(end <= offset for end, (offset, _) in zip(ends, spans[1:], strict=False))
    assert ends[-1] <= LAYOUT.nbytes == batch.buffer.nbytes


def test_batch_arrays_have_their_shapes_and_types() -> None:
    batch = LAYOUT.allocate()
    assert batch.observation_images.shape == batch.next_images.shape == (3, 5, 7, 9)
    assert batch.observation_state.shape == batch.next_state.shape == (3, 4)
    assert batch.action.shape == (3, 2)
    assert batch.reward.shape == batch.bootstrap.shape == batch.weight.shape == batch.index.shape == (3,)
    assert batch.index.dtype == np.uint64


def test_views_of_a_buffer_share_it() -> None:
    buffer = np.zeros(LAYOUT.nbytes, np.uint8)
    one, other = LAYOUT.views(buffer), LAYOUT.views(memoryview(buffer))
    one.reward[:] = 2.5
    one.header[:] = 7, 8, 9, 0
    np.testing.assert_array_equal(other.reward, 2.5)
    assert (other.number, other.env_steps) == (7, 8)


def test_views_of_an_unfit_buffer_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        LAYOUT.views(np.zeros(LAYOUT.nbytes - 1, np.uint8))
    with pytest.raises(ValueError, match="boundary"):
        LAYOUT.views(np.zeros(LAYOUT.nbytes + 8, np.uint8)[3:])


def test_batch_layout_from_config_has_its_sizes() -> None:
    layout = BatchLayout.from_config(resolve("yuan2022_baseline", {}))
    assert (layout.batch_size, *layout.observation.image_shape) == (128, 88, 156, 9)
    assert layout.observation.state_size == 3 * layout.action
