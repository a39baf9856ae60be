import numpy as np
import pytest
import torch

from async_rl_core.algorithms.common.upload import Upload

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def upload(request: pytest.FixtureRequest) -> Upload:
    return Upload(torch.device(request.param))


def test_upload_keeps_the_order_and_lets_buffers_be_overwritten(upload: Upload) -> None:
    buffer, rng = np.zeros(4096, np.uint8), np.random.default_rng(0)
    for _ in range(5):
        sent = rng.integers(0, 256, 4096, np.uint8)
        buffer[:] = sent
        upload.send(buffer)
        buffer[:] = 0
        np.testing.assert_array_equal(upload.view(buffer).cpu().numpy(), sent)
        upload.release()


def test_upload_view_finds_arrays_of_any_type(upload: Upload) -> None:
    buffer = np.zeros(256, np.uint8)
    floats = buffer[64:192].view(np.float32).reshape(4, 8)
    numbers = buffer[192:].view(np.int64)
    floats[:] = np.arange(32).reshape(4, 8)
    numbers[:] = np.arange(8) - 3
    buffer.flags.writeable = False
    upload.send(buffer)
    for array in (floats, numbers):
        view = upload.view(array)
        assert view.dtype == torch.from_numpy(array).dtype
        np.testing.assert_array_equal(view.cpu().numpy(), array)


def test_upload_allocates_memory_once(upload: Upload) -> None:
    buffer, places = np.zeros(128, np.uint8), set()
    for _ in range(6):
        upload.send(buffer)
        places.add(upload.view(buffer).data_ptr())
        upload.release()
    assert len(places) == 1
