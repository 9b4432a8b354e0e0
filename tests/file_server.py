"""A web server on this machine that behaves as well or as badly as a test wants."""
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """A server of one file, whose attributes a test may change between requests.

    Attributes:
        content: the file.
        tag: ETag of the answers, None for none.
        ranges: whether parts are sent.
        breaks_after: number of bytes of an answer after which the connection is closed.
        says_size: whether answers have a Content-Length.
        status: status of the answers, None for that of success.
        kind: Content-Type.
        claims: Content-Range, in place of the true one.
        after_body: called before the connection is closed.
        asked: the Range of each request, None if it had none.
        url: address of the file. ``/moved`` redirects to it, ``/loop`` to itself.
    """

    def __init__(self, content):
        self.content, self.tag, self.ranges = content, '"1"', True
        self.breaks_after, self.says_size, self.status = None, True, None
        self.kind, self.asked = 'application/octet-stream', []
        self.after_body, self.claims = lambda: None, None
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                served.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.root = f'http://127.0.0.1:{self._server.server_port}'
        self.url = f'{self.root}/weights.pth'
        threading.Thread(target=self._server.serve_forever, args=(0.01, ), daemon=True).start()

    def answer(self, request):
        if request.path in ('/moved', '/loop'):
            request.send_response(302)
            request.send_header('Location', self.url if request.path == '/moved' else '/loop')
            request.end_headers()
            return
        wanted = request.headers.get('Range')
        self.asked.append(wanted)
        start = int(wanted[len('bytes='):-1]) if wanted and self.ranges else 0
        body = self.content[start:]
        if self.status:
            request.send_error(self.status)
            return
        if start and not body:
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header('Content-Range', self.claims or (
                f'bytes {start}-{len(self.content) - 1}/{len(self.content)}'))
        if self.says_size:
            request.send_header('Content-Length', str(len(body)))
        if self.tag:
            request.send_header('ETag', self.tag)
        request.send_header('Content-Type', self.kind)
        request.end_headers()
        with contextlib.suppress(ConnectionError):  # the other side may have stopped
            request.wfile.write(body[:self.breaks_after])
        self.after_body()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
