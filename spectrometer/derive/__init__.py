"""Parameters to status values and register contents: pure calculations, each with the source of its
formula."""
