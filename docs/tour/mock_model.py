"""A stand-in for a model endpoint: answers every chat request, and prints one line for each.

Arguments: the port, and where others than this machine have to reach it, the address to listen on.
"""
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


host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
http.server.ThreadingHTTPServer((host, int(sys.argv[1])), Model).serve_forever()
