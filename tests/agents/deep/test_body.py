"""Bodies: a window at once or step by step, episodes kept apart, and nobody sees the future."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep.body import GRU, MLP, Attention, Head, as_body, body_config  # noqa: E402
from agents.deep.traces import Traces  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402

BODIES = [
    MLP((8, 6)),
    GRU(8),
    Attention(8, window=4, heads=2),
    Attention(8, window=3, layers=2, heads=1),
    Traces(8, lengths=(3.0, 100.0)),
]
each = pytest.mark.parametrize("body", BODIES, ids=repr)


def built(body, rows=5, steps=7, inputs=3):
    torch.manual_seed(0)
    net = body.build(inputs)
    fresh = torch.rand(rows, steps) < 0.3
    return net, torch.randn(rows, steps, inputs), torch.zeros(rows, net.memory_size), fresh


@each
def test_a_window_at_once_is_the_same_as_step_by_step(body):
    net, inputs, memory, fresh = built(body)
    features, memories = net(inputs, memory, fresh)
    for t in range(inputs.shape[1]):
        part, after = net(inputs[:, t : t + 1], memory, fresh[:, t : t + 1])
        memory = after[:, 0]
        torch.testing.assert_close(part[:, 0], features[:, t])
        torch.testing.assert_close(memory, memories[:, t])


@each
def test_a_new_episode_knows_nothing_of_the_last(body):
    net, inputs, memory, fresh = built(body)
    fresh[:], fresh[:, 4] = False, True
    features, memories = net(inputs, memory, fresh)
    alone, after = net(inputs[:, 4:], memory, torch.zeros_like(fresh[:, 4:]))
    torch.testing.assert_close(features[:, 4:], alone)
    torch.testing.assert_close(memories[:, 4:], after)


@each
def test_the_future_changes_nothing_and_the_past_only_what_remembers(body):
    net, inputs, memory, fresh = built(body)
    fresh[:] = False
    features, _ = net(inputs, memory, fresh)
    other = inputs.clone()
    other[:, 4] += 1.0
    changed = (net(other, memory, fresh)[0] - features).abs().amax((0, 2)) > 1e-6
    span = {"mlp": 1, "gru": 3, "traces": 3, "attention": min(getattr(body, "window", 1), 3)}[body.name]
    assert changed.tolist() == [4 <= t < 4 + span for t in range(7)]


def test_dueling_heads_split_the_value_from_the_advantages():
    head = Head(4, 3, dueling=True)
    features = torch.randn(10, 4)
    torch.testing.assert_close(head(features).mean(-1, keepdim=True), head.state(features))


@each
def test_a_body_is_written_down_and_read_again(body):
    assert as_body(body_config(body)) == body


@pytest.mark.parametrize(
    "wrong", [lambda: MLP(()), lambda: GRU(0), lambda: Attention(10, heads=4), lambda: Traces(8, ())]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ParameterError):
        wrong()
