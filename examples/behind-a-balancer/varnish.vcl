# Varnish before two fronts: each is asked for /up.
vcl 4.1;
import directors;

probe up {
  .request =
    "GET /up HTTP/1.1"
    "Host: www.example.org"
    "Connection: close";
  .interval = 1s;
  .timeout = 500ms;
  # two of the last three must have passed
  .window = 3;
  .threshold = 2;
  .initial = 2;
}

backend front1 {
  .host = "192.0.2.11";
  .port = "80";
  .probe = up;
}

backend front2 {
  .host = "192.0.2.12";
  .port = "80";
  .probe = up;
}

sub vcl_init {
  new fronts = directors.round_robin();
  fronts.add_backend(front1);
  fronts.add_backend(front2);
}

sub vcl_recv {
  set req.backend_hint = fronts.backend();
  # what the balancer asks for itself is not for visitors
  if (req.url == "/up") {
    return (synth(404));
  }
}
