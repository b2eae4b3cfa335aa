"""A stand-in for a model endpoint: answers every chat request, and prints one line for each."""
import http.server
import sys
import time


class Model(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        print(time.strftime("%X"), "asked:", self.path, flush=True)
        body = b'{"choices": [{"message": {"role": "assistant", "content": "ok"}}]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Model).serve_forever()
