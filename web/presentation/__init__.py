"""How values are said and drawn: words, times, addresses, drawings. Pure: no request, no HTML."""
