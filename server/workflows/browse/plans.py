"""From what is asked of a page to the steps that do it, where no model is needed for that."""

from server.workflows.browse.params import PageTask
from server.workflows.browse.steps import Click, Fill, Navigate, Step


def steps_of(task: PageTask) -> list[Step]:
    """The recorded steps of a task, or what its address and ``fill`` say."""
    recorded = list(task.recorded or ())
    if task.recording is not None and task.recording.timeout is not None:
        longer = task.recording.timeout
        recorded = [one if one.timeout is not None else one.model_copy(update={"timeout": longer}) for one in recorded]
    opens = any(step.type == "navigate" for step in recorded[:2])  # a recording sets the viewport first
    steps: list[Step] = [] if opens or task.url is None else [Navigate(type="navigate", url=task.url)]
    steps += recorded
    steps += [Fill(type="fill", label=label, value=value) for label, value in (task.fill or {}).items()]
    if task.submit is not None:
        ways = (f'aria/{task.submit}[role="button"]', f"aria/{task.submit}", f"text/{task.submit}")
        steps.append(Click(type="click", selectors=ways))
    return steps
