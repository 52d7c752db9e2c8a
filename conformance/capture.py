"""A server on loopback that keeps what it is sent and answers what it was told.

The tests of the wire look at its requests; no server of ours takes part.
"""

import collections
import http.server
import json
import threading

# What ECS answers, as status and body.
STARTED = (200, {"tasks": [], "failures": []})
THROTTLED = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})


class Request:
    """One request as it came: `headers` maps names in lower case to values."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        names = [name.lower() for name, _ in headers]
        repeated = [name for name, times in collections.Counter(names).items() if times > 1]
        if repeated:
            raise AssertionError(f"sent more than once: {repeated}")
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def target(self):
        """The operation of an AWS service; the path, where it is none."""
        return self.headers.get("x-amz-target", self.path)

    @property
    def authorization(self):
        """Credential, SignedHeaders and Signature of the Authorization header."""
        algorithm, _, fields = self.headers["authorization"].partition(" ")
        if algorithm != "AWS4-HMAC-SHA256":
            raise AssertionError(f"signed with {algorithm}")
        return dict(field.strip().split("=", 1) for field in fields.split(","))

    @property
    def signed(self):
        """The names of the signed headers, as they are listed."""
        return self.authorization["SignedHeaders"].split(";")


class Capture:
    """Answers in turn, the last answer again and again; a context that ends the server.

    An answer is a status and a body, or a function that gives them for a request.
    """

    def __init__(self, *answers):
        self.requests = []
        self.answers = list(answers)
        capture = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.command, self.path, self.headers.items(), body)
                status, answer = capture.take(request)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("x-amzn-RequestId", "captured")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def take(self, request):
        with self.lock:
            self.requests.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request) if callable(answer) else answer

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
