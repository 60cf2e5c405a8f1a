"""What a page says of an op: torch's documentation in a sentence, and torch's own table of derivatives."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free.pages.op_words import backward_words, op_words


def test_an_op_is_told_in_a_sentence_with_its_parameters_and_where_all_is_said():
    assert op_words("F.relu") == {
        "about": "Applies the rectified linear unit function element-wise.",
        "call": "(input, inplace=False)",
        "documentation": "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html",
    }


def test_of_an_op_that_is_not_known_nothing_is_told():
    assert op_words("somebodys.op") == {}


X = torch.ones(2, requires_grad=True)


@pytest.mark.parametrize(
    ("made", "formula"),
    [
        (X.exp, "self: grad * result.conj()"),
        (lambda: X**2, "self: pow_backward(grad, self, exponent)"),
        (lambda: 2**X, "exponent: pow_backward_exponent(grad, self, exponent, result)"),
        (X.sum, "self: grad.expand_symint(self.sym_sizes())"),
        (lambda: X.sum(0), "self: sum_backward(grad, self.sym_sizes(), dim, keepdim)"),
        (X.max, "self: evenly_distribute_backward(grad, self, result)"),
        (lambda: X.view(2, 1), "self: grad.reshape_symint(self.sym_sizes())"),
    ],
)
def test_the_formula_of_a_node_is_that_of_its_overload(made, formula):
    assert backward_words(type(made().grad_fn).__name__)[0] == formula


def test_a_node_that_is_not_in_the_table_has_no_formula():
    assert backward_words("MyFunctionBackward") == []
