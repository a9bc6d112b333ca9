# SPDX-License-Identifier: MIT
"""An ASGI application: GET / and GET /healthz at once, POST /work when all of the
request is there, as an upload."""
import os

import uvicorn


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    known = {"/": b"hello\n", "/healthz": b"ok\n", "/work": b"done\n"}
    body = known.get(scope["path"])
    while scope["path"] == "/work" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200 if body else 404,
                "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body or b"not found\n"})


if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", "8080")), lifespan="off")
