"""What waitress says of its worker threads, if this is waitress."""
import sys


def workers():
    """Threads, busy ones (this one too) and the queue; None if not waitress."""
    dispatcher = _dispatcher()
    if dispatcher is None:
        return None
    queue = getattr(dispatcher, 'queue', None)
    size = getattr(queue, 'qsize', getattr(queue, '__len__', None))
    return {
        'threads': len(dispatcher.threads),
        'busy': getattr(dispatcher, 'active_count', None),
        'queue': None if size is None else size(),
    }


def _dispatcher():
    # It has no public name. A page runs in one of its threads, so it is found
    # in the calls that led here.
    frame = sys._getframe()
    while frame is not None:
        if (
            frame.f_code.co_name == 'handler_thread'
            and frame.f_globals.get('__name__') == 'waitress.task'
        ):
            return frame.f_locals.get('self')
        frame = frame.f_back
    return None
