"""One file per outside thing. No decisions here."""
