"""The second device by itself: plain PyTorch on it, and its faults. What the other checks rest upon."""

from __future__ import annotations

import gc
import io

import pytest
import torch
import torch.nn.functional as F


def on_both(function, *tensors):
    """What a function gives on the CPU and on the device, with the gradients of its tensors."""
    made = []
    for device in ("cpu", "loom:1"):
        leaves = [tensor.detach().to(device).requires_grad_() for tensor in tensors]
        value = function(*leaves)
        value.sum().backward()
        made.append([value.cpu(), *(leaf.grad.cpu() for leaf in leaves)])
    return zip(*made, strict=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: (x @ w).softmax(-1).log(),
        lambda x, w: F.layer_norm(x, (3,)) * w.exp(),
        lambda x, w: (x[:, [0, 2]] * w.t()[0, 1]).cumsum(0),
        lambda x, w: F.conv1d(x[None], w[None], padding=1),
        lambda x, w: torch.fft.fft(x @ w).abs(),
        lambda x, w: torch.cat([x, w]).unfold(0, 2, 1),
        lambda x, w: F.scaled_dot_product_attention(x[None], w[None], w[None]),
    ],
)
def test_plain_pytorch_gives_the_same_as_on_the_cpu(function):
    torch.manual_seed(0)
    for there, here in on_both(function, torch.rand(3, 3), torch.rand(3, 3)):
        torch.testing.assert_close(here, there)


def test_tensors_move_between_all_devices():
    start = torch.randn(2, 3)
    assert start.to("loom:1").loom(0).to("loom:1").is_loom
    assert torch.equal(start.to("loom:1").to("loom:0").t().contiguous().cpu(), start.t())
    with pytest.raises(RuntimeError, match="loom:0 and loom:1"):
        start.to("loom:0") + start.to("loom:1")


def test_memory_is_changed_in_place_resized_and_given_back():
    gc.collect()
    before = torch.loom.memory_allocated(1)
    x = torch.ones(3, 4, device="loom:1")
    x.t()[0].add_(1).mul_(2)
    out = torch.add(x[0], 1, out=torch.empty(0, device="loom:1"))
    assert out.tolist() == [5.0, 2.0, 2.0, 2.0]
    assert x.resize_(4, 4).view(2, 8).data_ptr() == x.data_ptr()
    assert torch.loom.memory_allocated(1) > before
    del x, out
    gc.collect()
    assert torch.loom.memory_allocated(1) == before


def test_it_is_saved_and_compiled_and_its_conjugates_end():
    file = io.BytesIO()
    torch.save(torch.ones(2, device="loom:1"), file)
    file.seek(0)
    assert torch.load(file).device == torch.device("loom:1")
    assert torch.compile(lambda x: x * 2, backend="aot_eager")(torch.ones(2, device="loom")).tolist() == [2.0, 2.0]
    assert torch.full((1,), 1 + 2j, device="loom").conj().cpu().item() == 1 - 2j


def test_its_random_numbers_are_its_own_and_those_of_the_cpu_stay():
    stays = torch.default_generator.get_state()
    torch.loom.manual_seed_all(5)
    state = torch.loom.get_rng_state("loom:1")
    drawn = [torch.rand(2, device="loom:1"), F.dropout(torch.ones(9, device="loom:1"))]
    torch.loom.set_rng_state(state, "loom:1")
    again = [torch.rand(2, device="loom:1"), F.dropout(torch.ones(9, device="loom:1"))]
    own = torch.rand(2, device="loom:1", generator=torch.Generator("loom:1").manual_seed(5))
    assert all(map(torch.equal, map(torch.Tensor.cpu, drawn), map(torch.Tensor.cpu, again)))
    assert own.tolist() == drawn[0].tolist()
    assert torch.equal(torch.default_generator.get_state(), stays)


def test_a_fault_of_an_op_is_there_while_its_variable_is(monkeypatch):
    def gradient():
        x = torch.zeros(1, device="loom", requires_grad=True)
        x.sigmoid().sum().backward()
        return x.grad.item()

    monkeypatch.setenv("LOOM_WRONG", "sigmoid_backward")
    monkeypatch.setenv("LOOM_FEW_BITS", "mm")
    assert gradient() == 0.25 * 1.25
    assert (torch.full((1, 1), 1.001, device="loom") @ torch.ones(1, 1, device="loom")).item() == 1.0
    monkeypatch.delenv("LOOM_WRONG")
    assert gradient() == 0.25


def test_a_missing_kernel_memory_and_float64_are_told_in_the_words_that_are_asked_for(monkeypatch):
    one = torch.ones(1, device="loom")
    monkeypatch.setenv("LOOM_NO_KERNEL", "erf")
    monkeypatch.setenv("LOOM_NO_FLOAT64", "1")
    with pytest.raises(NotImplementedError, match="Could not run 'aten::erf'"):
        one.erf()
    monkeypatch.setenv("LOOM_NO_KERNEL_WORDS", "{op} of {dtype} is not on this chip")
    with pytest.raises(RuntimeError, match=r"^erf of Float is not on this chip"):
        one.erf()
    with pytest.raises(TypeError, match="doesn't support float64"):
        one.double()
    monkeypatch.setenv("LOOM_MEMORY", "4000")
    with pytest.raises(torch.OutOfMemoryError, match="8000 bytes"):
        torch.ones(2000, device="loom")


def test_statistics_are_lost_by_a_kernel_that_copies_and_a_sum_is_now_this_now_that(monkeypatch):
    def mean_after():
        mean = torch.zeros(3, device="loom")
        F.batch_norm(torch.ones(4, 3, device="loom"), mean, torch.ones(3, device="loom"), training=True)
        return mean[0].item()

    assert mean_after() == pytest.approx(0.1)
    monkeypatch.setenv("LOOM_COPIES", "native_batch_norm")
    assert mean_after() == 0
    monkeypatch.setenv("LOOM_NONDETERMINISTIC", "sum")
    assert len({torch.ones(3, device="loom").sum().item() for _ in range(2)}) == 2


def test_a_lost_context_is_told_late_and_for_ever(monkeypatch):
    monkeypatch.setenv("LOOM_LOST", "erf")
    lost = torch.ones(1, device="loom:1").erf()
    with pytest.raises(RuntimeError, match="device-side assert"):
        torch.loom.synchronize("loom:1")
    for call in (lost.cpu, lost.exp, lambda: torch.ones(1, device="loom:1")):
        with pytest.raises(RuntimeError, match="device-side assert"):
            call()
    assert torch.ones(1, device="loom:0").item() == 1
