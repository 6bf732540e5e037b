"""Whether this Zope and its database are well: the page @@probe."""
