"""Attention, computed again in plain steps, one window after the other."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep.body import Attention  # noqa: E402


def plain(net, window):
    """Return the features of one window [K, D] of inputs of one episode, the present last."""
    block, age = net.blocks[0], net.age[len(net.age) - len(window) :]
    hidden = torch.stack([net.embed(one) for one in window]) + age
    normed = torch.stack([block.first(one) for one in hidden])
    mixed, size = [], hidden.shape[1] // block.heads
    for head in range(block.heads):
        mine = slice(head * size, (head + 1) * size)
        query = block.ask(normed[-1])[mine]
        keys, values = (part[:, mine] for part in block.look(normed).split(hidden.shape[1], 1))
        weights = torch.stack([(query * key).sum() / math.sqrt(size) for key in keys]).exp()
        mixed.append((weights / weights.sum()) @ values)
    present = hidden[-1] + block.out(torch.cat(mixed))
    return net.norm(present + block.think(block.second(present)))


def test_features_are_those_of_attention_computed_step_by_step():
    torch.manual_seed(0)
    net = Attention(8, window=4, heads=2).build(3)
    inputs, fresh = torch.randn(1, 9, 3), torch.zeros(1, 9, dtype=torch.bool)
    fresh[0, 5] = True
    features, _ = net(inputs, torch.zeros(1, net.memory_size), fresh)
    for t in range(9):
        first = max(t - 3, 5 if t >= 5 else 0)  # no further back than the window, or than the episode
        torch.testing.assert_close(features[0, t], plain(net, inputs[0, first : t + 1]))
