"""Every address of this server, in one table."""

from starlette.routing import BaseRoute, Mount, Route

from server.api import events, kinds, meta, model, notifications, pages, results, sessions, stats, stream, tasks
from server.api.compat import background, sse
from server.resources import static_dir


def routes() -> list[BaseRoute]:
    """In the order in which they are tried."""
    task = "/api/tasks/{task_id}"
    return [
        Route("/api/stream", stream.stream, methods=["GET", "POST"]),
        Route("/api/tasks", tasks.list_tasks, methods=["GET"]),
        Route("/api/tasks", tasks.create_task, methods=["POST"]),
        Route("/api/tasks/active", tasks.active_tasks, methods=["GET"]),
        Route(task, tasks.show_task, methods=["GET"]),
        Route(task, tasks.delete_task, methods=["DELETE"]),
        Route(f"{task}/events", stream.task_events, methods=["GET"]),
        Route(f"{task}/pause", tasks.pause, methods=["POST"]),
        Route(f"{task}/resume", tasks.resume, methods=["POST"]),
        Route(f"{task}/stop", tasks.stop, methods=["POST"]),
        Route(f"{task}/steer", tasks.steer, methods=["POST"]),
        Route(f"{task}/retry", tasks.retry, methods=["POST"]),
        Route(f"{task}/rerun", tasks.rerun, methods=["POST"]),
        Route(f"{task}/output", results.output, methods=["GET"]),
        Route(f"{task}/output.html", results.output_html, methods=["GET"]),
        Route(f"{task}/result", results.result, methods=["GET"]),
        Route(task + "/report.{format}", results.report, methods=["GET"]),
        Route(task + "/artifacts/{name}", results.artifact, methods=["GET"]),
        Route(f"{task}/history", tasks.history, methods=["GET"]),
        Route("/api/events", events.events, methods=["GET"]),
        Route("/api/sessions/{session}", sessions.show_session, methods=["GET"]),
        Route("/api/notifications", notifications.list_notifications, methods=["GET"]),
        Route("/api/notifications/read", notifications.read, methods=["POST"]),
        Route("/api/notifications/tell", notifications.tell, methods=["POST"]),
        Route("/api/kinds", kinds.list_kinds, methods=["GET"]),
        Route("/api/model/check", model.check_model, methods=["POST"]),
        Route("/api/stats", stats.stats, methods=["GET"]),
        Route("/api/sse", sse.deep_research, methods=["GET", "POST"]),
        Route("/api/background_task/start", background.start, methods=["POST"]),
        Route("/api/background_task/status", background.status, methods=["GET"]),
        Route("/api/background_task/stop", background.stop, methods=["POST"]),
        Route("/healthz", meta.healthz, methods=["GET"]),
        Route("/readyz", meta.readyz, methods=["GET"]),
        Route("/metrics", meta.metrics, methods=["GET"]),
        Route("/openapi.json", meta.openapi, methods=["GET"]),
        Route("/docs", pages.docs, methods=["GET"]),
        Route("/docs/{page:path}", pages.docs_page, methods=["GET"]),
        Route("/", pages.index, methods=["GET"], include_in_schema=False),
        Route("/t/{task_id}", pages.index, methods=["GET"], include_in_schema=False),
        Route("/s/{session}", pages.index, methods=["GET"], include_in_schema=False),
        Route("/p/{project:path}", pages.index, methods=["GET"], include_in_schema=False),
        Route("/tasks", pages.index, methods=["GET"], include_in_schema=False),
        Route("/ops", pages.index, methods=["GET"], include_in_schema=False),
        Mount("/static", pages.static_files(static_dir()), name="static"),
    ]
