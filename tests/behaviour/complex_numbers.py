"""Complex tensors: how they are made, promoted, printed, compared and refused."""

import copy
import pickle

import pytest

DIFFERENT = {
    "check_conj_is_a_view": "`conj()`",
    "check_other_operations_take_complex_tensors": (
        "other operations on complex tensors, `var`, `prod`, `linalg.svd`, `tanh`, convolutions "
        "among them"
    ),
}


def check_numbers_of_python_get_the_default_complex_dtype(torch):
    assert torch.tensor([1j, 2]).dtype is torch.complex64
    assert torch.tensor(1j).dtype is torch.cfloat
    assert torch.full((2,), 1j).dtype is torch.complex64
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor([1j]).dtype is torch.cdouble
        assert (torch.ones(1) * 1j).dtype is torch.complex128
    finally:
        torch.set_default_dtype(torch.float32)


def check_promotion(torch):
    z, wide = torch.ones(1, dtype=torch.complex64), torch.ones(1, dtype=torch.float64)
    assert (z + wide).dtype is torch.complex128
    assert (z + torch.tensor(1.0, dtype=torch.float64)).dtype is torch.complex64
    assert (wide * 1j).dtype is torch.complex128
    assert (torch.ones(1, dtype=torch.int64) * 1j).dtype is torch.complex64
    assert (torch.ones(1) * torch.tensor(1j, dtype=torch.complex128)).dtype is torch.complex64
    assert torch.promote_types(torch.float64, torch.complex64) is torch.complex128
    assert torch.result_type(wide, 1j) is torch.complex128
    assert torch.can_cast(torch.float32, torch.complex64)
    assert not torch.can_cast(torch.complex64, torch.float32)


def check_dtypes(torch):
    assert torch.complex64.is_complex
    assert torch.complex64.is_signed
    assert not torch.complex64.is_floating_point
    assert torch.complex128.itemsize == 16
    assert torch.complex64.to_real() is torch.float32
    assert torch.float64.to_complex() is torch.complex128
    assert torch.finfo(torch.complex64).eps == torch.finfo(torch.float32).eps


def check_texts(torch):
    assert repr(torch.tensor([1j, 2.5 - 3j])) == "tensor([0.0000+1.j, 2.5000-3.j])"
    assert repr(torch.tensor(1 + 2j)) == "tensor(1.+2.j)"
    text = repr(torch.tensor([1j], dtype=torch.complex128)).replace("minigrad.", "torch.")
    assert text == "tensor([0.+1.j], dtype=torch.complex128)"
    assert repr(torch.tensor([-1e10 - 1j])) == "tensor([-1.0000e+10-1.j])"


def check_conversions(torch):
    z = torch.tensor([1 + 2j])
    assert z.item() == 1 + 2j
    assert complex(z) == 1 + 2j
    assert z.tolist() == [1 + 2j]
    assert bool(z)
    for convert in (float, int):
        with pytest.raises(RuntimeError, match="without overflow"):
            convert(z)


def check_casts_to_real_warn(torch):
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        assert torch.tensor([1 + 2j]).float().tolist() == [1.0]


def check_parts_are_views(torch):
    z = torch.tensor([1 + 2j, 3.0])
    z.real[0] = 5
    z.imag += 1
    torch.view_as_real(z)[1, 0] = -1
    assert z.tolist() == [5 + 3j, -1 + 1j]
    z.real = torch.tensor([7.0, 8.0])
    assert z.tolist() == [7 + 3j, 8 + 1j]


def check_real_tensors_have_no_imaginary_part(torch):
    with pytest.raises(RuntimeError, match="imag is not implemented for tensors with non-complex"):
        torch.ones(2).imag  # noqa: B018
    x = torch.ones(2)
    assert x.real is x or x.real.data_ptr() == x.data_ptr()
    assert torch.conj(x).tolist() == [1, 1]


def check_what_parts_can_be_viewed_as_complex(torch):
    for x, words in [
        (torch.ones(2, 3), "last dimension of size 2"),
        (torch.ones(2, 2).t(), "last dimension with stride 1"),
        (torch.ones(3, 5)[:, :2], "stride divisible by 2"),
        (torch.ones(2, dtype=torch.int64), "only supported for half, float and double"),
        (torch.tensor(1.0), "one or more dimensions"),
    ]:
        with pytest.raises(RuntimeError, match=words):
            torch.view_as_complex(x)
    with pytest.raises(RuntimeError, match="only supported for complex tensors"):
        torch.view_as_real(torch.ones(2))


def check_parts_of_two_dtypes_are_refused(torch):
    for make in (torch.complex, torch.polar):
        with pytest.raises(RuntimeError, match="Expected object of scalar type"):
            make(torch.ones(2), torch.ones(2, dtype=torch.float64))
        with pytest.raises(RuntimeError, match="Half, Float or Double"):
            make(torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64))


def check_backward_wants_a_real_number(torch):
    z = torch.tensor([1j], requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real scalar outputs"):
        (z * z).sum().backward()
    (z * z.conj()).real.sum().backward()
    assert z.grad.tolist() == [2j]
    assert z.grad.dtype is torch.complex64


def check_gradients_of_real_tensors_are_real(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    ((x * 1j + 2) / (1 - 1j * x)).abs().sum().backward()
    assert x.grad.dtype is torch.float32
    assert not x.grad.is_complex()


def check_order_and_rounding_are_refused(torch):
    z = torch.tensor([1j, 2.0])
    for name in ("max", "min", "sort", "argsort", "argmax", "floor", "round", "relu", "median"):
        with pytest.raises(RuntimeError):
            getattr(z, name)()
    for compare in ("__lt__", "__ge__"):
        with pytest.raises(RuntimeError):
            getattr(z, compare)(z)
    for name in ("clamp_min", "maximum", "fmod", "atan2"):
        with pytest.raises(RuntimeError):
            getattr(z, name)(z)
    with pytest.raises(RuntimeError):
        torch.nn.functional.mse_loss(z, z)


def check_a_real_tensor_does_not_become_complex_in_place(torch):
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.ones(2).mul_(1j)
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.ones(2).add_(torch.tensor([1j, 1]))
    z = torch.tensor([1j])
    assert z.add_(torch.ones(1)).tolist() == [1 + 1j]


def check_products_want_one_dtype(torch):
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.ones(2, 2, dtype=torch.cfloat) @ torch.ones(2, 2)


def check_copies(torch):
    z = torch.tensor([1j, 2.0], requires_grad=True)
    for again in (copy.deepcopy(z), pickle.loads(pickle.dumps(z)), copy.copy(z)):
        assert again.dtype is torch.complex64
        assert (again * 1j).tolist() == [-1, 2j]


def check_modules_keep_complex_parameters(torch):
    layer = torch.nn.Linear(2, 2, dtype=torch.cfloat)
    assert layer.weight.is_complex()
    out = layer(torch.ones(1, 2, dtype=torch.cfloat))
    out.abs().sum().backward()
    assert layer.weight.grad.dtype is torch.cfloat
    assert layer.double().weight.dtype is torch.cfloat
    with pytest.warns(UserWarning, match="Complex modules are a new feature"):
        assert layer.to(torch.cdouble).weight.dtype is torch.cdouble


def check_transforms_say_what_is_wrong(torch):
    x = torch.ones(4)
    for call, words in [
        (lambda: torch.fft.fft(x, norm="other"), "Invalid normalization mode"),
        (lambda: torch.fft.fft(x, 0), r"Invalid number of data points \(0\)"),
        (lambda: torch.fft.rfft(x + 0j), "expects a real input"),
        (lambda: torch.fft.fftn(x, dim=(0, 0)), "dims must be unique"),
        (lambda: torch.fft.fftn(x, s=(1, 2), dim=(0,)), "must have the same length"),
        (lambda: torch.fft.fftn(x, s=(1, 2)), "input tensor only has 1 dimensions"),
        (lambda: torch.fft.fft(x.half()), "Unsupported dtype Half"),
    ]:
        with pytest.raises(RuntimeError, match=words):
            call()
    with pytest.raises(IndexError, match="Dimension out of range"):
        torch.fft.fft(x, dim=1)


def check_short_time_transforms_say_what_is_wrong(torch):
    x, w = torch.ones(20), torch.ones(8)
    z = torch.stft(x, 8, window=w, return_complex=True)
    for call, words in [
        (lambda: torch.stft(x, 8, window=w), "requires the return_complex parameter"),
        (lambda: torch.stft(x, 8, window=w[:3], return_complex=True), "1D window tensor of size"),
        (lambda: torch.stft(x, 8, 0, window=w, return_complex=True), "expected hop_length > 0"),
        (lambda: torch.istft(x, 8, window=w), "requires a complex-valued input"),
        (lambda: torch.istft(z, 8, 9, window=w), "0 < hop_length <= win_length"),
        (lambda: torch.istft(z, 8, window=w * 0), "window overlap add min"),
    ]:
        with pytest.raises(RuntimeError, match=words):
            call()
    with pytest.warns(UserWarning, match="return_complex=False is deprecated"):
        assert torch.stft(x, 8, window=w, return_complex=False).shape[-1] == 2


def check_windows_say_what_is_wrong(torch):
    with pytest.raises(RuntimeError, match="non-negative window_length"):
        torch.hann_window(-1)
    with pytest.raises(RuntimeError, match="expects floating point dtypes"):
        torch.hann_window(3, dtype=torch.int64)
    with pytest.raises(ValueError, match="non-negative window length"):
        torch.signal.windows.gaussian(-1)
    with pytest.raises(ValueError, match="Tau must be positive"):
        torch.signal.windows.exponential(3, tau=0)


def check_conj_is_a_view(torch):
    z = torch.tensor([1j])
    assert z.conj().is_conj()


def check_other_operations_take_complex_tensors(torch):
    z = torch.tensor([1j, 2.0])
    z.tanh()
    z.prod()
    z.var()
