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


CHINESE = {
    "invalid_request": "请求无法读取。",
    "invalid_json": "请求体不是有效的 JSON，请发送一个 UTF-8 编码的 JSON 对象。",
    "invalid_encoding": "查询字符串不是有效的 UTF-8，请对 UTF-8 文本逐字节作百分号编码。",
    "invalid_parameters": "有参数缺失或有误，`errors` 逐一指出。",
    "unknown_kind": "服务器不提供这个类型，可用的类型见 GET /api/kinds。",
    "body_too_large": "请求体超过服务器允许的大小。",
    "body_too_slow": "请求体来得太慢，服务器不再等待；请重新发送，必要时换一个更好的连接。",
    "headers_too_large": "请求行与请求头超过服务器允许的大小。",
    "unsupported_media_type": "请求体必须是 JSON，发送时请带上 `Content-Type: application/json`。",
    "forbidden_origin": "其他网站的页面不得启动或更改任务，允许的网站由 CORS_ORIGINS 列出。",
    "forbidden_host": "服务器不接受这个主机名，接受的主机名由 ALLOWED_HOSTS 列出。",
    "not_found": "这个地址上没有内容，可用的地址见 /docs。",
    "method_not_allowed": "这个地址不支持该方法，可用的方法见 /docs。",
    "task_not_found": "没有这个编号的任务，它可能已被删除。",
    "artifact_not_found": "任务没有这个名称的文件。",
    "artifact_damaged": "任务的这个文件已不是任务当初生成的内容，请从备份恢复，或用 `rerun` 重新运行任务。",
    "upload_not_found": "你没有上传过这个编号的文件，或者它已经过期；请用 POST /api/uploads 重新发送。",
    "upload_damaged": "上传的这个文件已不是当初发送的内容；请用 POST /api/uploads 重新发送。",
    "no_result_yet": "任务还没有结果，请跟随它的事件直到 `done`。",
    "report_format_unavailable": "报告没有这种格式。",
    "report_too_long": "报告太长，不能做成这种格式，请改用 `md` 或 `html`。",
    "report_not_made": "报告没有及时做好，请再次请求，或改用 `md` 或 `html`。",
    "font_missing": "报告含有中文，而服务器上没有能显示中文的字体：请安装 fonts-noto-cjk，或改用 `docx`。",
    "task_active": "任务尚未结束，请先停止它。",
    "task_ended": "任务已经结束，不能再暂停或停止；可以用 `retry` 或 `rerun` 再次启动。",
    "task_not_steerable": "这种类型的任务在运行中不能被告知任何事。",
    "task_not_retryable": "只有失败或停止的任务才能重试；已完成的任务可以用 `rerun` 再次运行。",
    "novel_not_found": "没有这个编号的小说；它的第一个任务会创建它。",
    "novel_busy": "这部小说还有未结束的任务，请先停止它们。",
    "revision_conflict": "这会覆盖此后变过的内容；请重新查看，并把所见的修订号作为 `base_revision` 发送。",
    "session_busy": "这个会话的另一批任务尚未结束；请先停止它，或按原来的要求再次启动。",
    "corrupt": "任务的日志已损坏，保留原样供运维人员检查，任务不能继续。",
    "model_required": "没有模型：设置 OPENAI_MODEL 及 OPENAI_BASE_URL 或密钥，或用 `engine: embedded`。",
    "model_failed": "模型端点没有完成所请求的事。",
    "model_unavailable": "连接不上模型端点，或端点表示现在无法回答。",
    "model_rate_limited": "模型端点暂时不再接受请求。",
    "model_timeout": "模型太久没有输出；时限由 MODEL_FIRST_TOKEN_SECONDS 和 MODEL_NEXT_TOKEN_SECONDS 规定。",
    "model_cut": "模型的回复在完整之前中断了。",
    "model_garbled": "端点的回答不是 OpenAI 兼容端点应有的内容；OPENAI_BASE_URL 可能有误。",
    "model_empty": "模型的回复是空的。",
    "model_reply_invalid": "模型的回复不符合要求的格式，要求它改正也没有用。",
    "model_denied": "模型端点拒绝本服务器的密钥；请检查 OPENAI_API_KEY。",
    "model_quota_spent": "模型端点的账户已没有余额。",
    "model_unknown": "端点没有这个模型，或者不在这个地址；请检查 OPENAI_MODEL 和 OPENAI_BASE_URL。",
    "model_rejected": "模型端点不接受这个请求。",
    "model_context_too_long": "提示超过了模型所能读入的长度。",
    "model_content_filtered": "模型端点按其内容规则扣下了回复。",
    "budget_spent": "任务的预算已用完。",
    "queue_full": "队列已满，请稍后再试。",
    "shutting_down": "本节点正在关闭，请再次请求，由其他节点或重启后的节点处理。",
    "store_full": "卷已满，读取照常，新的工作要等有了空间。",
    "store_failed": "卷无法读取或写入。",
    "ownership_lost": "任务现在由另一个节点拥有。",
    "browser_missing": "这需要浏览器，而这里没有能运行的：请安装 Chromium，或设置 BROWSER_PATH。",
    "batch_blocked": "连续太多条目因同一原因失败；请先排除该原因，再 `resume`。",
    "crash_loop": "连续三个服务器在这个任务完成一个步骤之前就终止了；`retry` 会再试一次。",
    "journal_mismatch": "步骤的输入与步骤账本中的记录不同，因此不能沿用所记录的结果。",
    "workflow_failed": "工作流未能完成工作。",
    "internal": "服务器内部出错，原因见服务器日志。",
}
"""What the errors' codes say in Chinese. The sentences are those of the table in docs/zh/errors.md."""


def sentence(error: ClientError, voice: Voice) -> str:
    """The error in the user's language; in Chinese by its code, where the server wrote it."""
    if isinstance(error, Refused):
        return voice(str(error), CHINESE.get(error.code, error.chinese))
    return voice(str(error), error.chinese)


def explain(error: ClientError, voice: Voice) -> list[str]:
    """An error as lines: the sentence, then one for each wrong field that it does not name itself."""
    said = sentence(error, voice)
    if isinstance(error, Unreachable):
        return [
            voice(
                f"{said}. Start a server with `holdfast serve`, or name one with --server.",
                f"{said}。请用 `holdfast serve` 启动服务器，或用 --server 指定一个。",
            )
        ]
    if not isinstance(error, Refused):
        return [said]
    code = voice(f" ({error.code})", f"（{error.code}）") if error.code else ""
    fields = [field for field in error.errors if field.message not in error.detail]
    detail = [f"  {error.detail}"] if said != error.detail and error.code else []
    return [f"{said}{code}", *detail, *(f"  {field.path}: {field.message}" for field in fields)]


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
            raise ClientError(
                f"An event of type {event.type!r} is not as Holdfast makes them: {error!r}",
                f"类型为 {event.type!r} 的事件不像是 Holdfast 生成的：{error!r}",
            ) from error

    def notice(self, notice: Notice) -> None:
        match notice:
            case Lost(why, retry_in):
                wait, said = self._say.duration(max(1, retry_in)), sentence(why, self._say).rstrip("。.")
                self._note(f"No connection: {said}; trying again in {wait}.", f"没有连接：{said}；{wait}后重试。")
            case Found(after):
                took = self._say.duration(after)
                self._note(f"Connected again after {took}; nothing is missing.", f"{took}后重新连上；内容没有缺失。")

    def interrupted(self) -> None:
        if not self._task_id:
            self._note("Interrupted before the server answered.", "在服务器响应之前中断。")
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
        code, message = data["code"], data["message"]
        where = f" [{data['step']}]" if data.get("step") else ""
        known = CHINESE.get(code, message)
        self._note(f"failed: {code}: {message}{where}", f"失败：{code}：{known}{where}")
        if self._say.chinese and known != message:
            self._display.note(f"  {message}")
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
