from async_rl_core.safety.states import TRANSITIONS, Event, State

TABLE = """
           arm     disarm    rest      fail   reset
DISARMED   ARMED   DISARMED  -         FAULT  -
ARMED      -       STOPPING  -         FAULT  -
STOPPING   -       STOPPING  DISARMED  FAULT  -
FAULT      -       FAULT     -         FAULT  DISARMED
"""
"""As in docs/safety.md."""


def test_transitions_are_the_documented_table() -> None:
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    cells = [(row[0], event, to) for row in rows for event, to in zip(header, row[1:], strict=True)]
    expected = {(State[state], Event(event)): State[to] for state, event, to in cells if to != "-"}
    assert expected == TRANSITIONS


def test_every_state_can_fail_and_be_disarmed() -> None:
    assert all(TRANSITIONS[state, Event.FAIL] is State.FAULT for state in State)
    assert all((state, Event.DISARM) in TRANSITIONS for state in State)
