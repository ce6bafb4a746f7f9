//! Templates: Jinja through `minijinja`, with the reference's functions, Python's methods and its typing of rendered texts.
