"""Messages, links, stores, producer API and command line: no Qt here."""
