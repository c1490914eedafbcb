"""The pages, one module each. A new page is one new module and its line in `web.routes`."""
