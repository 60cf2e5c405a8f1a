"""Models of many kinds, each a function that gives a callable and its arguments: what `recipe capture` must take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class CausalAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in self.c_attn(x).split(width, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(batch, length, width))


class GPT2Block(nn.Module):
    def __init__(self, width=16, heads=2):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = CausalAttention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


def gpt2_block(batch=2, seq=5):
    torch.manual_seed(0)
    return GPT2Block(), (torch.randn(batch, seq, 16, requires_grad=True),)


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).type_as(x)


class LlamaAttention(nn.Module):
    def __init__(self, width, heads, longest=32):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(width, width, bias=False) for _ in range(4))
        frequencies = 1.0 / 10000 ** (torch.arange(0, self.size, 2).float() / self.size)
        angles = torch.outer(torch.arange(longest), frequencies)
        self.register_buffer("cos", angles.cos().repeat(1, 2), persistent=False)
        self.register_buffer("sin", angles.sin().repeat(1, 2), persistent=False)

    def rotated(self, x, length):
        first, second = x.chunk(2, dim=-1)
        return x * self.cos[:length] + torch.cat((-second, first), dim=-1) * self.sin[:length]

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (w(x).view(batch, length, self.heads, self.size).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        scores = self.rotated(q, length) @ self.rotated(k, length).transpose(-2, -1) / math.sqrt(self.size)
        mask = torch.full((length, length), float("-inf"), device=x.device).triu(1)
        weights = F.softmax(scores + mask, dim=-1, dtype=torch.float32).to(q.dtype)
        return self.wo((weights @ v).transpose(1, 2).reshape(batch, length, width))


class LlamaBlock(nn.Module):
    def __init__(self, width=16, heads=2):
        super().__init__()
        self.attention_norm, self.ffn_norm = RMSNorm(width), RMSNorm(width)
        self.attention = LlamaAttention(width, heads)
        self.w1, self.w2, self.w3 = (
            nn.Linear(width, 32, bias=False),
            nn.Linear(32, width, bias=False),
            nn.Linear(width, 32, bias=False),
        )

    def forward(self, x):
        h = x + self.attention(self.attention_norm(x))
        normed = self.ffn_norm(h)
        return h + self.w2(F.silu(self.w1(normed)) * self.w3(normed))


def llama_block(batch=2, seq=4):
    torch.manual_seed(0)
    return LlamaBlock(), (torch.randn(batch, seq, 16),)


class ResNetBlock(nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


def resnet_block():
    torch.manual_seed(0)
    return ResNetBlock(), (torch.randn(2, 4, 6, 6),)


def resnet_block_eval():
    model, args = resnet_block()
    return model.eval(), args


def lstm():
    torch.manual_seed(0)
    return nn.LSTM(4, 5, num_layers=2, batch_first=True), (torch.randn(2, 3, 4),)


def gru_of_layers():
    torch.manual_seed(0)
    return nn.GRU(4, 5, num_layers=3, bidirectional=True), (torch.randn(3, 2, 4), torch.randn(6, 2, 5))


def rnn_tanh():
    torch.manual_seed(0)
    return nn.RNN(4, 5), (torch.randn(3, 2, 4),)


def packed_sequence():
    torch.manual_seed(0)
    rnn = nn.LSTM(4, 5, batch_first=True)

    def run(x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = rnn(packed)
        return pad_packed_sequence(out, batch_first=True)[0]

    return run, (torch.randn(3, 4, 4), torch.tensor([2, 4, 3]))


def attention():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8)
    return nn.MultiheadAttention(8, 2, batch_first=True), (x, x, x)


def encoder_layer():
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), (torch.randn(2, 3, 8),)


def decoder_layer():
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    return layer, (torch.randn(2, 3, 8), torch.randn(2, 5, 8)), {"tgt_mask": mask}


class MixtureOfExperts(nn.Module):
    def __init__(self, width=8, experts=4, top=2):
        super().__init__()
        self.top = top
        self.gate = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 16), nn.SiLU(), nn.Linear(16, width)) for _ in range(experts)
        )

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        weights, chosen = self.gate(flat).topk(self.top, dim=-1)
        scores = torch.zeros(flat.shape[0], len(self.experts), dtype=x.dtype).scatter(1, chosen, weights.softmax(-1))
        out = torch.zeros_like(flat)
        for number, expert in enumerate(self.experts):
            rows = (chosen == number).any(-1).nonzero(as_tuple=True)[0]
            out.index_add_(0, rows, expert(flat[rows]) * scores[rows, number, None])
        return out.view_as(x)


def mixture_of_experts():
    torch.manual_seed(0)
    return MixtureOfExperts(), (torch.randn(2, 3, 8),)


class ViT(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 5, width) * 0.02)
        self.block = GPT2Block(width)
        self.head = nn.Linear(width, 3)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.block(x)[:, 0])


def vit():
    torch.manual_seed(0)
    return ViT(), (torch.randn(2, 3, 8, 8),)


class UNetBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.pool = nn.MaxPool2d(2)
        self.mid = nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.out = nn.Conv2d(8, 3, 1)
        self.time = nn.Linear(4, 4)

    def forward(self, x, t):
        h = F.silu(self.norm(self.down(x))) + self.time(t)[:, :, None, None]
        m = F.leaky_relu(self.mid(self.pool(h)), 0.1)
        u = F.interpolate(self.up(m), scale_factor=1.0, mode="nearest")
        return self.out(torch.cat([u, h], 1))


def unet_block():
    torch.manual_seed(0)
    return UNetBlock(), (torch.randn(2, 3, 4, 4), torch.randn(2, 4))


def embedding_bag():
    torch.manual_seed(0)
    return nn.EmbeddingBag(10, 4, mode="sum"), (torch.tensor([1, 2, 4, 5, 4, 3]), torch.tensor([0, 4]))


def embedding():
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(10, 4, padding_idx=0), nn.Linear(4, 2)), (torch.tensor([[1, 0, 4], [5, 4, 3]]),)


def batch_norm():
    torch.manual_seed(0)
    return nn.BatchNorm1d(4), (torch.randn(5, 4),)


def batch_norm_eval():
    torch.manual_seed(0)
    return nn.BatchNorm1d(4).eval(), (torch.randn(5, 4),)


def weight_norm():
    torch.manual_seed(0)
    return parametrizations.weight_norm(nn.Linear(4, 3)), (torch.randn(2, 4),)


def spectral_norm():
    torch.manual_seed(0)
    return parametrizations.spectral_norm(nn.Linear(4, 3)), (torch.randn(2, 4),)


class LSTMLoop(nn.Module):
    """An LSTM cell written as a loop, with writes into a buffer."""

    def __init__(self, width=4, hidden=3):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Linear(width + hidden, 4 * hidden)

    def forward(self, x):
        length, batch, _ = x.shape
        out = x.new_zeros(length, batch, self.hidden)
        h = c = x.new_zeros(batch, self.hidden)
        for step in range(length):
            i, f, g, o = self.gates(torch.cat([x[step], h], dim=1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            out[step] = h
        return out, (h, c)


def lstm_loop():
    torch.manual_seed(0)
    return LSTMLoop(), (torch.randn(3, 2, 4),)


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            h = F.relu(self.first(x))
            with torch.no_grad():
                scale = h.abs().amax()
            y = self.second(h / scale)
        return F.log_softmax(y.float(), dim=-1)


def autocast_region():
    torch.manual_seed(0)
    return Mixed(), (torch.randn(3, 4),)


class Once(torch.autograd.Function):
    """It fails where a recipe runs it: after the run that is seen, and the model's own."""

    runs = 0

    @staticmethod
    def forward(ctx, x):
        Once.runs += 1
        if Once.runs > 2:
            raise RuntimeError("enough")
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class Clipped(torch.autograd.Function):
    """Clips forward, and passes the gradient through."""

    @staticmethod
    def forward(ctx, x, low, high):
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx, grad):
        return grad, None, None


def custom_function():
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    return lambda x: Clipped.apply(layer(x), -0.5, 0.5) * 2, (torch.randn(3, 4),)


def fft():
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.randn(5, dtype=torch.complex64))

    def run(x):
        return torch.fft.irfft(torch.fft.rfft(x) * kernel, n=x.shape[-1])

    return run, (torch.randn(2, 8),)


def solve():
    torch.manual_seed(0)
    a = torch.randn(3, 3, requires_grad=True)
    return lambda b: torch.linalg.solve(a @ a.T + 3 * torch.eye(3), b), (torch.randn(3, 2, requires_grad=True),)


class Loss(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 5)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=-1)

    def forward(self, x, target):
        return self.loss(self.layer(x), target)


def smoothed_loss():
    torch.manual_seed(0)
    return Loss(), (torch.randn(3, 4), torch.tensor([1, -1, 4]))


def functional_call():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    parameters = {name: one.detach().clone().requires_grad_() for name, one in model.named_parameters()}
    return lambda parameters, x: torch.func.functional_call(model, parameters, (x,)), (parameters, torch.randn(2, 4))


def rearranged():
    """What einops does, by its own calls of PyTorch's."""
    torch.manual_seed(0)

    def run(x):
        b, c, h, w = x.shape
        patches = x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, 4 * c)
        return torch.einsum("bnd,bmd->bnm", patches, patches).mean(-1)

    return run, (torch.randn(2, 3, 4, 4, requires_grad=True),)


def plain_function():
    torch.manual_seed(0)

    def huber(prediction, target, delta=1.0):
        error = prediction - target
        small = error.abs() <= delta
        return torch.where(small, 0.5 * error**2, delta * (error.abs() - 0.5 * delta)).mean()

    return huber, (torch.randn(4, requires_grad=True), torch.randn(4)), {"delta": 0.7}


@dataclass
class Output:
    logits: torch.Tensor
    hidden: tuple[torch.Tensor, ...]
    loss: torch.Tensor | None = None


class Batch(NamedTuple):
    ids: torch.Tensor
    mask: torch.Tensor


class Tagger(nn.Module):
    """Nested inputs and outputs, in Hugging Face's style."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, batch, options):
        h = self.embed(batch.ids) * batch.mask[..., None]
        return Output(self.head(h), (h,), F.cross_entropy(self.head(h).mean(1), options["labels"]))


def nested():
    torch.manual_seed(0)
    batch = Batch(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]))
    return Tagger(), (batch, {"labels": torch.tensor([0, 2])})


class TiedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        return F.cross_entropy(self.head(self.embed(ids)).flatten(0, 1), ids.flatten())


def tied_weights():
    torch.manual_seed(0)
    return TiedWeights(), (torch.tensor([[1, 2], [3, 0]]),)


def dropout():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2)), (torch.randn(3, 4),)


def in_bfloat16():
    torch.manual_seed(0)
    return GPT2Block().bfloat16(), (torch.randn(2, 3, 16, dtype=torch.bfloat16),)


def checkpointed():
    torch.manual_seed(0)
    block = GPT2Block()
    return lambda x: torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False), (torch.randn(2, 3, 16),)


def scaled_by_item():
    torch.manual_seed(0)

    def run(x):
        scale = x.abs().max().item()
        return (x / scale).round() * scale if scale > 0 else x

    return run, (torch.randn(4, requires_grad=True),)


def masked_to_the_ends():
    """Masks of the dtype's least number, as many attentions have them, and a method in another order than the function."""
    torch.manual_seed(0)

    def run(x, keep):
        filled = x.masked_fill(~keep, torch.finfo(x.dtype).min)
        return torch.full_like(x, torch.finfo(x.dtype).min).where(~keep, filled).softmax(-1)

    return run, (torch.randn(2, 3, requires_grad=True), torch.tensor([[True, False, True], [True, True, False]]))


def written_part_by_part():
    """Memory that holds anything when it is made, and is written in parts."""
    torch.manual_seed(0)

    def run(x, y):
        joined = x.new_empty(2, 5)
        joined[:, :2].copy_(x)
        joined[:, 2:] = y
        return joined * 2

    return run, (torch.randn(2, 2, requires_grad=True), torch.randn(2, 3, requires_grad=True))


def lstm_of_transposed():
    torch.manual_seed(0)
    return nn.LSTM(4, 5), (torch.randn(2, 4, 3).permute(2, 0, 1),)


class KeyCache:
    """Keys and values of earlier tokens, in an object that a call appends to."""

    def __init__(self, *keys):
        self.keys = list(keys)
        self.owner = self


def cached_attention():
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)

    def run(x, cache):
        cache.keys.append(layer(x))
        keys = torch.cat(cache.keys, dim=1)
        return F.scaled_dot_product_attention(x, keys, keys), cache

    earlier = layer(torch.randn(2, 3, 4))
    return run, (torch.randn(2, 1, 4), KeyCache(earlier))


MODELS = (
    gpt2_block, llama_block, resnet_block, resnet_block_eval, lstm, gru_of_layers, rnn_tanh, packed_sequence, attention,
    encoder_layer, decoder_layer, mixture_of_experts, vit, unet_block, embedding_bag, embedding, batch_norm,
    batch_norm_eval, weight_norm, spectral_norm, lstm_loop, autocast_region, custom_function, fft, solve, smoothed_loss,
    functional_call, rearranged, plain_function, nested, tied_weights, dropout, in_bfloat16, checkpointed, scaled_by_item,
    masked_to_the_ends, written_part_by_part, lstm_of_transposed, cached_attention,
)  # fmt: skip
