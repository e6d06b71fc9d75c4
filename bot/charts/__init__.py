"""Pictures of money over time: values go in, a PNG comes out; nothing is asked, stored or sent here."""
