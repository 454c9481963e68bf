"""Pages that mean no good to whoever opens them, to be served beside the odd ones of `site`."""

import zlib
from collections.abc import AsyncIterator

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

MEGABYTE = b"<!--" + b"x" * (1024 * 1024 - 7) + b"-->"
MEGABYTES = 200
CHINESE = "<p>茶叶要密封保存，放在阴凉干燥的地方。</p>"

PAGES = {
    "dialogs": "<p>Dialogs.</p><script>alert('one'); confirm('two'); prompt('three'); document.write('after')</script>",
    "alerts": "<p>No end of dialogs.</p><script>for (;;) alert('again')</script>",
    "leaving": "<p>A page that holds on.</p><button>Here</button>"
    "<script>addEventListener('beforeunload', event => event.preventDefault())</script>",
    "popups": "<p>Pop-ups.</p><button id='open'>Open</button><script>function open_all() {"
    "for (let i = 0; i < 5; i++) open('/second?' + i) }; open_all(); open.onclick = open_all;"
    "document.getElementById('open').onclick = open_all</script>",
    "endless": "<p>It never stops.</p><script>for (;;) {}</script>",
    "later": "<p>It never stops, but begins late.</p><script>setTimeout(() => { for (;;) {} }, 300)</script>",
    "refresh": "<meta http-equiv='refresh' content='0'><p>Again and again.</p>",
    "reload": "<p>Again and again.</p><script>location.reload()</script>",
    "moving": "<p>Away.</p><script>setInterval(() => { location.search = '?' + Math.random() }, 1)</script>",
    "giant": "<script>const all = document.createDocumentFragment(); for (let i = 0; i < 200000; i++) {"
    "const p = document.createElement('p'); p.textContent = 'Row ' + i; all.append(p) }"
    "document.documentElement.append(all)</script>",
    "wide": "<div style='width: 60000px; height: 9000px; background: linear-gradient(red, blue)'>Wide.</div>",
    "closing": "<p>Gone.</p><script>window.close(); open('', '_self'); window.close()</script>",
    "inside": "<p>Frames.</p><script>for (let i = 0; i < 100; i++) { const f = document.createElement('iframe');"
    "f.src = '/hostile/inside?' + i + location.search.slice(0, 3); document.body.append(f) }</script>",
    "picture": "<p>A large picture.</p><img src='/hostile/large'>",
    "memory": "<p>Memory.</p><script>const all = []; for (;;) all.push(new Array(1e6).fill(Math.random()))</script>",
    "writing": "<script>for (;;) document.write('<p>more and more')</script>",
    "blank": "",
}


def routes() -> list[Route]:
    return [
        Route("/hostile/status/{code:int}", _status, methods=["GET", "HEAD", "POST"]),
        Route("/hostile/large", _large),
        Route("/hostile/chunked", _chunked),
        Route("/hostile/packed", _packed),
        Route("/hostile/gbk", _gbk),
        Route("/hostile/silent", _silent),
        Route("/hostile/trickle", _trickle),
        Route("/hostile/{name}", _page),
    ]


async def _page(request: Request) -> Response:
    return HTMLResponse(f"<!doctype html><title>Hostile</title>{PAGES[request.path_params['name']]}")


async def _status(request: Request) -> Response:
    code = request.path_params["code"]
    if code in (204, 205, 304):
        return Response(status_code=code)
    headers = {"WWW-Authenticate": "Basic realm=x", "Proxy-Authenticate": "Basic realm=holdfast"}
    return HTMLResponse(f"<p>Status {code}.</p>", code, headers=headers)


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(MEGABYTES):
        yield MEGABYTE


async def _large(request: Request) -> Response:
    length = str(MEGABYTES * len(MEGABYTE))
    return StreamingResponse(_pieces(), media_type="text/html", headers={"Content-Length": length})


async def _chunked(request: Request) -> Response:
    return StreamingResponse(_pieces(), media_type="text/html")


async def _packed(request: Request) -> Response:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(MEGABYTE) for _ in range(MEGABYTES)) + packer.flush()
    return Response(body, media_type="text/html", headers={"Content-Encoding": "gzip"})


async def _gbk(request: Request) -> Response:
    head = "<!doctype html><meta charset='gbk'><title>茶</title>"
    return Response((head + CHINESE).encode("gbk"), media_type="text/html", headers={"Content-Type": "text/html"})


async def _silent(request: Request) -> Response:
    with anyio.move_on_after(60):
        while not await request.is_disconnected():  # noqa: ASYNC110 - it has no event
            await anyio.sleep(0.05)
    return Response(b"")


async def _trickle(request: Request) -> Response:
    async def drops() -> AsyncIterator[bytes]:
        yield b"<!doctype html><p>Slowly."
        for _ in range(600):
            yield b"<p>and more"
            await anyio.sleep(0.1)

    return StreamingResponse(drops(), media_type="text/html")
