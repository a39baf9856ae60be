from collections.abc import Callable

import numpy as np
import pytest
import torch

from async_rl_core.algorithms.common.minibatch import Minibatch
from async_rl_core.algorithms.common.upload import Upload
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("uploaded", [False, True])
def test_minibatch_load_copies_every_value(
    spec: ObservationSpec, make_batch: Callable[..., Batch], dtype: torch.dtype, uploaded: bool
) -> None:
    loaded = Minibatch(8, spec, 2, dtype, torch.device("cpu"))
    if uploaded:
        loaded._upload = Upload(torch.device("cpu"))  # the way to a GPU
        loaded.load(make_batch(seed=1))
    batch = make_batch()
    batch.buffer.flags.writeable = False
    loaded.load(batch)
    for images, array in ((loaded.observation, batch.observation_images), (loaded.next_observation, batch.next_images)):
        assert images.dtype == dtype and images.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_array_equal(images.float().permute(0, 2, 3, 1).numpy(), array)
    np.testing.assert_array_equal(loaded.state.numpy(), batch.observation_state)
    np.testing.assert_array_equal(loaded.next_state.numpy(), batch.next_state)
    np.testing.assert_array_equal(loaded.action.numpy(), batch.action)
    np.testing.assert_array_equal(loaded.reward.numpy(), batch.reward)
    np.testing.assert_array_equal(loaded.bootstrap.numpy(), batch.bootstrap)
    np.testing.assert_array_equal(loaded.weight.numpy(), batch.weight)


def test_minibatch_load_lets_the_batch_be_overwritten(spec: ObservationSpec, make_batch: Callable[..., Batch]) -> None:
    batch, loaded = make_batch(), Minibatch(8, spec, 2, torch.float32, torch.device("cpu"))
    loaded.load(batch)
    before = loaded.observation.clone(), loaded.reward.clone()
    batch.buffer[:] = 0
    assert torch.equal(loaded.observation, before[0]) and torch.equal(loaded.reward, before[1])


def test_minibatch_load_of_another_shape_is_refused(spec: ObservationSpec, make_batch: Callable[..., Batch]) -> None:
    with pytest.raises(ValueError, match=r"\(4, 17, 21, 6\), the learner takes \(8, 17, 21, 6\)"):
        Minibatch(8, spec, 2, torch.float32, torch.device("cpu")).load(make_batch(batch_size=4))
