"""Microsoft Teams, inbound: what people write and click there becomes rows and jobs; nothing is answered here."""
