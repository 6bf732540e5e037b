touch run/zope1.maint run/zope2.maint
