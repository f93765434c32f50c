"""Attention and transformers: what scripts rely on beyond the numbers."""

import copy
import inspect

import pytest


def check_the_future_has_no_influence(torch):
    x = torch.randn(2, 3, 6, 4)
    other = x.clone()
    other[:, :, 4:] = 9.0
    attend = torch.nn.functional.scaled_dot_product_attention
    first, second = (attend(y, y, y, is_causal=True) for y in (x, other))
    assert torch.allclose(first[:, :, :4], second[:, :, :4])


def check_padding_has_no_influence(torch):
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    layer.eval()
    x = torch.randn(2, 5, 8)
    other = x.clone()
    other[1, 3:] = 100.0
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    first, second = (layer(y, src_key_padding_mask=padding) for y in (x, other))
    assert torch.allclose(first[0], second[0], atol=1e-6)
    assert torch.allclose(first[1, :3], second[1, :3], atol=1e-6)


def check_true_means_look_here_and_do_not_look(torch):
    x = torch.randn(1, 4, 8)
    mask = torch.ones(4, 4, dtype=torch.bool).tril()
    attend = torch.nn.functional.scaled_dot_product_attention
    assert torch.allclose(attend(x, x, x, mask), attend(x, x, x, is_causal=True), atol=1e-6)
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    _, weights = layer(x, x, x, attn_mask=~mask)
    assert not weights.triu(1).any()


def check_weights_sum_to_one(torch):
    layer = torch.nn.MultiheadAttention(8, 2)
    query, memory = torch.randn(3, 2, 8), torch.randn(5, 2, 8)
    _, weights = layer(query, memory, memory)
    assert weights.shape == (2, 3, 5)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 3))
    assert layer(query, memory, memory, average_attn_weights=False)[1].shape == (2, 2, 3, 5)
    assert layer(query, memory, memory, need_weights=False)[1] is None


def check_groups_are_repeated_heads(torch):
    q, k, v = torch.randn(2, 6, 3, 4), torch.randn(2, 2, 5, 4), torch.randn(2, 2, 5, 4)
    attend = torch.nn.functional.scaled_dot_product_attention
    wide = [x.repeat_interleave(3, dim=1) for x in (k, v)]
    assert torch.allclose(attend(q, k, v, enable_gqa=True), attend(q, *wide), atol=1e-6)


def check_attention_of_a_step_is_a_row(torch):
    """Generation with kept keys: one query at a time."""
    x = torch.randn(1, 2, 7, 4)
    attend = torch.nn.functional.scaled_dot_product_attention
    whole = attend(x, x, x, is_causal=True)
    for t in range(7):
        row = attend(x[:, :, t : t + 1], x[:, :, : t + 1], x[:, :, : t + 1])
        assert torch.allclose(row, whole[:, :, t : t + 1], atol=1e-6)


def check_kernels_can_be_chosen(torch):
    backend = torch.nn.attention.SDPBackend
    x = torch.randn(1, 2, 3, 4)
    attend = torch.nn.functional.scaled_dot_product_attention
    expected = attend(x, x, x)
    for choice in (backend.MATH, [backend.MATH, backend.FLASH_ATTENTION]):
        with torch.nn.attention.sdpa_kernel(choice):
            assert torch.allclose(attend(x, x, x), expected, atol=1e-6)
    with (
        pytest.raises(AssertionError, match="Backend must be an instance of SDPBackend"),
        torch.nn.attention.sdpa_kernel("math"),
    ):
        pass


def check_a_transformer_learns_to_copy(torch):
    torch.manual_seed(0)
    model = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True), 1,
        enable_nested_tensor=False,
    )  # fmt: skip
    head = torch.nn.Linear(16, 5)
    embed = torch.nn.Embedding(5, 16)
    optimizer = torch.optim.Adam(
        [*model.parameters(), *head.parameters(), *embed.parameters()], lr=0.01
    )
    tokens = torch.randint(0, 5, (8, 6))
    for _ in range(60):
        optimizer.zero_grad()
        scores = head(model(embed(tokens)))
        loss = torch.nn.functional.cross_entropy(scores.reshape(-1, 5), tokens.reshape(-1))
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def check_copies_and_states(torch):
    model = torch.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    twin = copy.deepcopy(model)
    twin.load_state_dict(model.state_dict())
    x, y = torch.randn(2, 4, 8), torch.randn(2, 3, 8)
    assert torch.equal(model.eval()(x, y), twin.eval()(x, y))
    assert len(model.state_dict()) == 34


def check_arguments_of_a_call_have_torchs_names(torch):
    layer = inspect.signature(torch.nn.MultiheadAttention.forward).parameters
    assert list(layer)[4:] == [
        "key_padding_mask", "need_weights", "attn_mask", "average_attn_weights", "is_causal",
    ]  # fmt: skip
