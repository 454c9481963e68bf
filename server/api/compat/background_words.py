"""What `/api/background_task/…` says, in the language of who asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.errors import HoldfastError
from server.tasks.batches import Beginning

MOST_NAMED = 5
TITLE_CHARS = 60

_START = {
    Beginning.STARTED: {
        "en": "The background task has started; pages to be done: {total}.",
        "zh": "后台任务已启动，共 {total} 个任务。",
    },
    Beginning.ATTACHED: {
        "en": "The background task is running already; this follows it.",
        "zh": "后台任务已在执行中，继续显示其进度。",
    },
    Beginning.GOES_ON: {
        "en": "The background task goes on; pages that are done stay done.",
        "zh": "后台任务继续执行，已完成的任务不受影响。",
    },
    Beginning.NOTHING_LEFT: {
        "en": "All of these pages are completed already; `ignore_completed` runs them again.",
        "zh": "这些任务都已完成；勾选“忽略已完成状态”（ignore_completed）可重新执行。",
    },
}
_SKIPPED = {
    "not_due": {"en": "not due yet: {titles}", "zh": "未到开始时间：{titles}"},
    "expired": {"en": "expired: {titles}", "zh": "已过期：{titles}"},
}
_STATUS = {
    "idle": {"en": "This session has no background task.", "zh": "当前会话没有后台任务。"},
    "pending": {"en": "The background task waits for its turn.", "zh": "后台任务正在排队。"},
    "running": {
        "en": "The background task is running: {completed_tasks} of {total} completed.",
        "zh": "后台任务执行中：已完成 {completed_tasks} / {total}。",
    },
    "stopped": {
        "en": "The background task is stopped: {completed_tasks} of {total} completed; `start` goes on.",
        "zh": "后台任务已停止：已完成 {completed_tasks} / {total}；再次启动会继续执行。",
    },
    "error": {
        "en": "The background task failed: {error} {completed_tasks} of {total} completed; `start` goes on.",
        "zh": "后台任务出错：{error} 已完成 {completed_tasks} / {total}；再次启动会继续执行。",
    },
    "completed": {"en": "All background tasks are completed!", "zh": "后台任务全部完成！"},
    "partly": {
        "en": "The background task has ended: {completed_tasks} of {total} completed, {failed_tasks} failed, "
        "{skipped_tasks} skipped, {needs_confirmation_tasks} to be confirmed.",
        "zh": "后台任务已结束：共 {total} 个，完成 {completed_tasks}，失败 {failed_tasks}，跳过 {skipped_tasks}，"
        "待确认 {needs_confirmation_tasks}。",
    },
}
_STOP = {
    True: {
        "en": "The background task is stopped; what is done stays done.",
        "zh": "后台任务已停止，已完成的任务不受影响。",
    },
    False: {"en": "No background task is running.", "zh": "没有正在执行的后台任务。"},
}
_REFUSED = {
    "session_busy": "当前会话的另一批任务正在执行；请先停止它，再启动新的一批。",
    "no_pages": "当前会话还没有任务列表：第一次启动时请在 `tasks` 中给出。",
    "not_a_uuid": "会话编号必须是 UUID。",
    "out_of_range": "task_indices 中有不存在的任务编号。",
    "queue_full": "任务队列已满，请稍后再试。",
    "shutting_down": "服务器正在关闭，请稍后再试。",
    "store_full": "存储空间已满，暂时不能启动新任务。",
}
"""By an error's code, or that of its first field; of any other the English sentence is told."""


def said_of_start(beginning: Beginning, total: int, skipped: Sequence[Mapping[str, Any]], language: str) -> str:
    """``skipped``: those that are passed over because of the time, with ``code`` and ``title``; each is named."""
    said = [_START[beginning][language].format(total=total)]
    for code, words in _SKIPPED.items():
        titles = [str(page["title"])[:TITLE_CHARS] for page in skipped if page["code"] == code]
        if titles and beginning is Beginning.STARTED:
            said.append(words[language].format(titles=_listed(titles, language)))
    return " ".join(said) if language == "en" else "".join(said)


def _listed(titles: Sequence[str], language: str) -> str:
    named = ("、" if language == "zh" else ", ").join(titles[:MOST_NAMED])
    more = len(titles) - MOST_NAMED
    if more > 0:
        named += f" 等 {len(titles)} 个" if language == "zh" else f" and {more} more"
    return named + ("。" if language == "zh" else ".")


def said_of_status(
    status: str, counts: Mapping[str, int], total: int, error: Mapping[str, Any] | None, language: str
) -> str:
    """``status``: one of that API's, or ``idle``, or ``pending``. That all is completed is said only where all is."""
    if status == "completed" and counts["completed_tasks"] < total:
        status = "partly"
    told = "" if error is None else str(error["message"])
    return _STATUS[status][language].format(**counts, total=total, error=told)


def said_of_stop(stopped: bool, language: str) -> str:
    return _STOP[stopped][language]


def refusal(error: HoldfastError, language: str) -> str:
    if language == "zh":
        codes = [error.code, *(field.code for field in error.errors[:1])]
        return next((_REFUSED[code] for code in codes if code in _REFUSED), error.detail)
    return error.detail
