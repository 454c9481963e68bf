"""A site whose every page tries to reach a canary in another way, and the canary that counts who came."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from urllib.parse import parse_qs, urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream, UDPSocket

REDIRECTS = (301, 302, 303, 307, 308)
_WAY = re.compile(rb"^\w+ \S*?/hit/([\w.-]+)")

# Each of these goes to {c}, the canary's `scheme-less` place, with its own name in the path.
MARKUP = """
<link rel=stylesheet href="http://{c}/hit/stylesheet"><link rel=icon href="http://{c}/hit/icon">
<link rel=prefetch href="http://{c}/hit/prefetch"><link rel=preload as=image href="http://{c}/hit/preload">
<link rel=modulepreload href="http://{c}/hit/modulepreload"><link rel=preconnect href="http://{c}/">
<link rel=dns-prefetch href="http://{c}/"><link rel=manifest href="http://{c}/hit/manifest">
<style>@import url(http://{c}/hit/import); @font-face{{font-family:f;src:url(http://{c}/hit/font)}}
p{{font-family:f;background:url(http://{c}/hit/background)}}</style><p>text</p>
<iframe src="http://{c}/hit/iframe"></iframe><iframe src="data:text/html,<img src=http://{c}/hit/data-iframe>"></iframe>
<iframe srcdoc="<img src=http://{c}/hit/srcdoc>"></iframe><img src="http://{c}/hit/img">
<iframe src="/to?http://{c}/hit/iframe-redirect"></iframe><img src="/to?http://{c}/hit/img-redirect">
<img srcset="http://{c}/hit/srcset 1x"><script src="http://{c}/hit/script"></script>
<object data="http://{c}/hit/object"></object><embed src="http://{c}/hit/embed">
<video src="http://{c}/hit/video" poster="http://{c}/hit/poster"></video><audio src="http://{c}/hit/audio"></audio>
<video><source src="http://{c}/hit/source"><track default kind=captions src="http://{c}/hit/track"></video>
<div style="background:image-set(url(http://{c}/hit/image-set) 1x)">text</div>
<style>@namespace url(http://{c}/hit/namespace); li{{list-style-image:url(http://{c}/hit/list-style)}}
b{{cursor:url(http://{c}/hit/cursor),auto;mask-image:url(http://{c}/hit/mask)}}</style><ul><li>text</ul><b>text</b>
<svg><image href="http://{c}/hit/svg-image"/><use href="http://{c}/hit/svg-use#a"/></svg>
<input type=image src="http://{c}/hit/input-image">
<form id=f target=t method=post action="http://{c}/hit/form"></form><iframe name=t></iframe>
<a id=ping href="#x" ping="http://{c}/hit/ping">x</a>
"""
SCRIPT = """
const c = "{c}", u = way => `http://${{c}}/hit/${{way}}`, tries = [];
const attempt = go => {{ try {{ tries.push(go()); }} catch (error) {{ }} }};
attempt(() => fetch(u("fetch"), {{mode: "no-cors"}}));
attempt(() => fetch("/to?" + u("fetch-redirect"), {{mode: "no-cors"}}));
attempt(() => {{ const x = new XMLHttpRequest(); x.open("GET", u("xhr")); x.send(); }});
attempt(() => navigator.sendBeacon(u("beacon"), "x"));
attempt(() => new EventSource(u("eventsource")));
attempt(() => new WebSocket(`ws://${{c}}/hit/websocket`));
attempt(() => new Worker("/worker.js?" + c));
attempt(() => new SharedWorker("/shared.js?" + c));
attempt(() => navigator.serviceWorker.register("/service.js?" + c));
attempt(() => {{ document.getElementById("f").submit(); }});
attempt(() => {{ document.getElementById("ping").click(); }});
attempt(() => import(u("module")));
attempt(async () => {{
  const peer = new RTCPeerConnection({{iceServers: [{{urls: "stun:" + c}}, {{urls: "turn:" + c + "?transport=tcp",
    username: "a", credential: "b"}}]}});
  peer.createDataChannel("x"); await peer.setLocalDescription(await peer.createOffer());
}});
attempt(() => {{ document.body.appendChild(new Image()).src = u("late-img"); }});
attempt(() => new Worker("/imports.js?" + c));
attempt(() => new Worker("/module.js?" + c, {{type: "module"}}));
attempt(() => new Worker(URL.createObjectURL(new Blob([`importScripts("${{u("blob-import")}}")`]))));
attempt(() => CSS.paintWorklet.addModule(u("paint-worklet")));
attempt(() => new AudioContext().audioWorklet.addModule(u("audio-worklet")));
attempt(() => {{
  const sheet = new CSSStyleSheet(); sheet.replaceSync(`i{{{{background:url(${{u("adopted-sheet")}})}}}}`);
  document.adoptedStyleSheets = [sheet]; document.body.appendChild(document.createElement("i")).textContent = "text";
}});
attempt(() => new WebTransport("https://" + c + "/hit/webtransport"));
attempt(async () => {{
  const rebound = `http://${{Math.random().toString(36).slice(2)}}.rebind.test:${{c.split(":").pop()}}/hit/rebind-fetch`;
  for (let again = 0; again < 3; again++) await fetch(rebound, {{mode: "no-cors"}}).catch(() => 0);
}});
attempt(() => fetch("{f}").then(read => read.text()).then(text => {{ document.body.append(text); }}));
attempt(() => {{ const x = document.createElement("iframe"); x.src = "{f}"; document.body.append(x); }});
const settle = () => setTimeout(() => {{
  if (!document.getElementById("settled"))
    document.body.append(Object.assign(document.createElement("p"), {{id: "settled", textContent: "settled"}}));
}}, 1500);
if (document.readyState === "complete") settle(); else addEventListener("load", settle);
setTimeout(settle, 5000);
"""
WORKERS = {
    "/worker.js": 'fetch("http://{c}/hit/worker", {{mode: "no-cors"}})',
    "/shared.js": 'fetch("http://{c}/hit/shared-worker", {{mode: "no-cors"}})',
    "/service.js": 'fetch("http://{c}/hit/service-worker", {{mode: "no-cors"}})',
    "/imports.js": 'importScripts("http://{c}/hit/worker-import")',
    "/module.js": 'import "http://{c}/hit/worker-module"',
}
LEADING = {
    "meta-refresh": '<meta http-equiv=refresh content="0;url=http://{c}/hit/meta-refresh">',
    "window-open": '<script>window.open("http://{c}/hit/window-open")</script>',
    "location": '<script>location="http://{c}/hit/location"</script>',
    "download": '<a id=a download href="http://{c}/hit/download">x</a><script>a.click()</script>',
    "base": '<base href="http://{c}/"><img src="hit/base">',
    "to-file": '<a id=a href="{f}">x</a><script>a.click(); location="{f}"</script>',
    "to-data": '<script>location="data:text/html,<img src=http://{c}/hit/to-data>"</script>',
    "to-view-source": '<script>location="view-source:http://{c}/hit/to-view-source"</script>',
    "self-form": '<form id=f action="http://{c}/hit/self-form"></form><script>f.submit()</script>',
}


class Canary:
    """Listens where nothing may come. ``hits`` are the ways that came, ``connections`` all that did, TCP and UDP."""

    def __init__(self) -> None:
        self.hits: set[str] = set()
        self.connections = 0
        self.port = 0
        self.addresses: list[str] = []

    async def serve(self, client: SocketStream) -> None:
        async with client:
            self.connections += 1
            try:
                with anyio.move_on_after(5):
                    found = _WAY.match(await client.receive())
                    self.hits.add(found[1].decode() if found else "a connection")
                    await client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                self.hits.add("a connection")

    async def hear(self, udp: UDPSocket) -> None:
        async for _ in udp:
            self.connections += 1
            self.hits.add("stun")


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """One port on each of this machine's addresses: loopback of both kinds, and its own where it has one."""
    made = Canary()
    async with AsyncExitStack() as stack, anyio.create_task_group() as tg:
        for address in ("127.0.0.1", "::1", *_own_addresses()):
            try:
                listener = await anyio.create_tcp_listener(local_host=address, local_port=made.port)
            except OSError:
                continue  # this machine has no such address
            await stack.enter_async_context(listener)
            made.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - a listener, not a query
            made.addresses.append(address)
            tg.start_soon(listener.serve, made.serve)
            udp = await anyio.create_udp_socket(local_host=address, local_port=made.port)
            tg.start_soon(made.hear, await stack.enter_async_context(udp))
        yield made
        tg.cancel_scope.cancel()


def _own_addresses() -> list[str]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(each[4][0]) for each in found} - {"127.0.0.1"})


@asynccontextmanager
async def hostile_site(file: str) -> AsyncIterator[int]:
    """The port of the site, on 127.0.0.1. What it leads to stands in the query of each address.

    :param file: the ``file:`` address of what its pages try to read on this machine.
    """
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tg:
        tg.start_soon(listener.serve, partial(_serve, file))
        yield listener.extra(SocketAttribute.local_port)  # noqa: S610 - a listener, not a query
        tg.cancel_scope.cancel()


async def _serve(file: str, client: SocketStream) -> None:
    async with client:
        try:
            target = (await client.receive()).split(b" ", 2)[1].decode()
            await client.send(_answer(target, file))
        except (anyio.EndOfStream, anyio.BrokenResourceError, IndexError):
            return


def _answer(target: str, file: str) -> bytes:
    parts = urlsplit(target)
    path, query = parts.path, parts.query
    kind, status, more, body = "text/html", "200 OK", "", "<p>nothing</p>"
    if path == "/to":
        status, more = "302 Found", f"Location: {query}\r\n"
    elif path.startswith("/redirect/"):
        code = path.rpartition("/")[2]
        status, more = f"{code} Moved", f"Location: http://{query}/hit/redirect-{code}\r\n"
    elif path == "/all":
        body = f"<title>wait</title><body>{MARKUP.format(c=query)}<script>{SCRIPT.format(c=query, f=file)}</script>"
    elif path in WORKERS:
        kind, body = "text/javascript", WORKERS[path].format(c=query)
    elif path == "/lead":
        asked = parse_qs(query)
        body = LEADING[asked["way"][0]].format(c=asked["to"][0], f=file)
    data = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + data
