"""Random workflow documents, and what is to come of them by the plainest reading of the rules."""

from __future__ import annotations

from hypothesis import strategies as st

IMAGE = "fake"


@st.composite
def documents(draw, *, max_steps: int = 12):
    """Workflow documents of all shapes. Each step's fate by attempt is in ``fates`` beside the document."""
    count = draw(st.integers(1, max_steps))
    steps, fates = [], {}
    for number in range(count):
        earlier = [f"s{n}" for n in range(number)]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        step = {"id": f"s{number}", "container": {"image": IMAGE, "command": ["true"]}, "depends_on": needs}
        if draw(st.integers(0, 4)) == 0:
            step["continue_on_error"] = True
        if draw(st.integers(0, 3)) == 0:
            step["when"] = draw(st.sampled_from(["always()", "failure()", "success()", "false", "1 > 2 || always()"]))
        if draw(st.integers(0, 3)) == 0:
            step["retries"] = draw(st.integers(1, 2))
        steps.append(step)
        fates[f"s{number}"] = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=1, max_size=3))
    document = {"name": "random", "steps": draw(st.permutations(steps))}
    if draw(st.integers(0, 3)) == 0:
        document["fail_fast"] = True
    return document, fates


def fate(fates, step: str, attempt: int) -> int:
    """Exit code of an attempt."""
    return fates[step][min(attempt, len(fates[step])) - 1]


def expected_states(document, fates) -> dict[str, str]:
    """The end of each step, without ``fail_fast``: the rules of the page on semantics, read one step at a time."""
    states: dict[str, str] = {}
    by_id = {step["id"]: step for step in document["steps"]}

    def satisfies(name: str) -> bool:
        state = states[name]
        return state in ("completed", "skipped:when_false") or (
            state == "failed" and by_id[name].get("continue_on_error", False)
        )

    while len(states) < len(by_id):
        for name, step in by_id.items():
            if name in states or any(need not in states for need in step.get("depends_on", [])):
                continue
            good = all(satisfies(need) for need in step.get("depends_on", []))
            when = step.get("when", "success()")
            if not good and "always()" not in when and "failure()" not in when:
                states[name] = "skipped:upstream_failed"
            elif when == "false" or (when == "failure()" and good):
                states[name] = "skipped:when_false"
            else:
                attempts = range(1, step.get("retries", 0) + 2)
                states[name] = "completed" if any(fate(fates, name, n) == 0 for n in attempts) else "failed"
    return states


def expected_status(document, states) -> str:
    by_id = {step["id"]: step for step in document["steps"]}
    fatal = any(state == "failed" and not by_id[name].get("continue_on_error") for name, state in states.items())
    return "failed" if fatal else "completed"
