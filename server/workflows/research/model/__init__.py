"""Research with a language model: what it writes is checked by code before anybody reads it."""
