"""A task's events, told to whoever sits before the command: what to write, what to say, how it ended."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from server.command.client import ClientError, Found, Lost, Notice, Refused, Unreachable
from server.command.sse_parser import Event
from server.command.terminal import Display, Voice, clip
from server.models import Status
from server.settings import Settings

TITLE_COLUMNS = 60


def explain(error: ClientError, voice: Voice) -> list[str]:
    """An error as lines: the sentence, then one for each wrong field that it does not name itself."""
    if isinstance(error, Unreachable):
        advice = voice(
            "Start a server with `holdfast serve`, or name one with --server.",
            "请用 `holdfast serve` 启动服务器，或用 --server 指定。",
        )
        return [f"{error}. {advice}"]
    if not isinstance(error, Refused):
        return [str(error)]
    code = f" ({error.code})" if error.code else ""
    fields = [field for field in error.errors if field.message not in error.detail]
    return [f"{error.detail}{code}", *(f"  {field.path}: {field.message}" for field in fields)]


class Telling:
    """Tells one task's events. ``status`` is the last that was heard of it."""

    def __init__(self, display: Display, voice: Voice, server: str, *, raw: bool) -> None:
        self.status: Status | None = None
        self._display = display
        self._say = voice
        self._server = server
        self._raw = raw
        self._task_id = ""
        self._warned = False
        self._tellers: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "task": self._task,
            "status": self._status_changed,
            "progress": display.progress,
            "output": lambda data: display.text(data["text"]),
            "artifact": self._artifact,
            "rollback": self._rollback,
            "reset": self._reset,
            "failure": self._failure,
            "done": self._done,
        }

    def take(self, event: Event) -> None:
        """:raises ClientError: the event is not as Holdfast makes them."""
        try:
            data = event.json()
            self._hear(event.type, data)
            if self._raw:
                self._display.text(_ndjson(event))
            elif teller := self._tellers.get(event.type):
                teller(data)
        except (ValueError, KeyError, TypeError) as error:
            raise ClientError(f"An event of type {event.type!r} is not as Holdfast makes them: {error!r}") from error

    def notice(self, notice: Notice) -> None:
        match notice:
            case Lost(reason, retry_in):
                wait = self._say.duration(max(1, retry_in))
                self._note(f"No connection: {reason}; trying again in {wait}.", f"没有连接：{reason}；{wait}后重试。")
            case Found(after):
                took = self._say.duration(after)
                self._note(f"Connected again after {took}; nothing is missing.", f"{took}后重新连上；内容没有缺失。")

    def interrupted(self) -> None:
        if not self._task_id:
            self._note("Interrupted before the server answered.", "在服务器应答之前中断。")
            return
        back = f"holdfast watch {self._task_id}"
        if self._server != Settings.model_fields["holdfast_url"].default:
            back += f" --server {self._server}"
        self._note(
            f"The task goes on without you. To come back: {back} (or ask the same again).",
            f"任务会继续运行。要回来查看：{back}（或者再问一次同样的问题）。",
        )

    def broken(self, error: ClientError) -> None:
        for line in explain(error, self._say):
            self._display.note(line)
        if self._task_id:
            self.interrupted()

    def tick(self) -> None:
        self._display.tick()

    def close(self) -> None:
        self._display.close()

    def _note(self, english: str, chinese: str) -> None:
        self._display.note(self._say(english, chinese))

    def _hear(self, event_type: str, data: dict[str, Any]) -> None:
        if event_type in ("task", "status", "done"):
            self.status = Status(data["status"])

    def _task(self, task: dict[str, Any]) -> None:
        if self._task_id:
            return
        self._task_id = str(task["id"])
        title = clip(str(task.get("title") or ""), TITLE_COLUMNS)
        head = f"{self._task_id} {task['kind']}" + (f" “{title}”" if title else "")
        if not task.get("reused"):
            self._note(f"{head}: new task", f"{head}：新任务")
        elif self.status is Status.COMPLETED:
            self._note(f"{head}: completed before, here it is again", f"{head}：之前已完成，以下是它的内容")
        else:
            self._note(f"{head}: joined, {self.status}", f"{head}：已加入，{self.status}")

    def _status_changed(self, data: dict[str, Any]) -> None:
        reason = f" ({data['reason']})" if data.get("reason") else ""
        if self.status is Status.PAUSED:
            self._note(f"paused{reason}", f"已暂停{reason}")
        elif self.status is Status.RUNNING and (data.get("attempt") or 1) > 1:
            self._note(f"goes on, attempt {data['attempt']}{reason}", f"继续运行，第 {data['attempt']} 次{reason}")

    def _artifact(self, data: dict[str, Any]) -> None:
        self._note(f"file: {data['name']} ({data['size']} bytes)", f"文件：{data['name']}（{data['size']} 字节）")

    def _rollback(self, data: dict[str, Any]) -> None:
        part = data.get("part") or "*"
        self._warned = True
        self._note(
            f"Taken back: what was written in part {part!r} after event {data['to_seq']}; it is written again below.",
            f"收回：{part!r} 部分在第 {data['to_seq']} 个事件之后写的内容；下面会重新写出。",
        )

    def _reset(self, data: dict[str, Any]) -> None:
        self._warned = True
        reason = data.get("reason")
        self._note(
            f"Start over ({reason}): what follows takes the place of all the text above.",
            f"重新开始（{reason}）：以下内容取代上面的全部文字。",
        )

    def _failure(self, data: dict[str, Any]) -> None:
        where = f" [{data['step']}]" if data.get("step") else ""
        self._note(
            f"failed: {data['code']}: {data['message']}{where}", f"失败：{data['code']}：{data['message']}{where}"
        )
        if data.get("retryable"):
            self._note("Asking the same again goes on from where it stopped.", "再问一次会从停下的地方继续。")

    def _done(self, data: dict[str, Any]) -> None:
        self._display.close()
        words = {
            Status.COMPLETED: ("completed", "已完成"),
            Status.FAILED: ("failed", "失败"),
            Status.STOPPED: ("stopped", "已停止"),
        }
        self._note(*words.get(Status(data["status"]), (data["status"], data["status"])))
        if self._warned:
            clean = f"{self._server.rstrip('/')}/api/tasks/{self._task_id}/output"
            self._note(
                f"Parts of the text were written twice; as it should be: {clean}",
                f"部分文字写了两遍；完整版本：{clean}",
            )


def _ndjson(event: Event) -> str:
    line = {"id": event.id, "event": event.type, "data": orjson.Fragment(event.data)}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode()
