"""The endpoints, one module per family. A handler translates; it does not compute."""
