"""One file for each implementation of a port, named `<port>_<vendor>`. Only the `wiring` modules import them."""
