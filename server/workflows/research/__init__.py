"""Research: a question, the sources that speak to it, and a report whose citations are true."""
