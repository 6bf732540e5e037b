"""The application that the WSGI servers of servers.test.ts run: it says which
requests reach it, and keeps its worker busy when it is asked to."""
import sys
import time
from urllib.parse import parse_qs


def say(line):
    # one write: several processes share the pipe
    sys.stderr.write(f'lab: {line}\n')
    sys.stderr.flush()


def app(environ, start_response):
    method = environ['REQUEST_METHOD']
    path = environ['PATH_INFO']
    expect = environ.get('HTTP_EXPECT', '-')
    say(f'{method} {path} expect={expect}')
    if path == '/read':
        length = int(environ.get('CONTENT_LENGTH') or 0)
        environ['wsgi.input'].read(length)
    if path == '/busy':
        (seconds,) = parse_qs(environ['QUERY_STRING'])['seconds']
        time.sleep(float(seconds))
    body = b'' if method == 'HEAD' else b'well'
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '4')])
    return [body]


# uWSGI looks for this name
application = app


def main(server, port, host='127.0.0.1'):
    """Waitress, cheroot and pyruvate, which a program starts."""
    if server == 'waitress':
        import waitress

        waitress.serve(app, listen=f'{host}:{port}', threads=4)
    elif server == 'cheroot':
        from cheroot.wsgi import Server

        Server((host, int(port)), app, numthreads=4).start()
    else:
        import pyruvate

        pyruvate.serve(app, f'{host}:{port}', 4)


if __name__ == '__main__':
    main(*sys.argv[1:])
