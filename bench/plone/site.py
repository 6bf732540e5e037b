"""Makes the Plone site /Plone; run by `zconsole run`, which gives `app`."""
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from Products.CMFPlone.factory import addPloneSite
from Testing.makerequest import makerequest
from zope.globalrequest import setRequest

app = makerequest(app)  # noqa: F821
setRequest(app.REQUEST)
newSecurityManager(None, app.acl_users.getUser('admin').__of__(app.acl_users))
addPloneSite(
    app,
    'Plone',
    title='Bench',
    setup_content=True,
    extension_ids=(
        'plonetheme.barceloneta:default',
        'plone.app.caching:default',
        'plone.restapi:default',
    ),
    default_language='en',
    portal_timezone='UTC',
)
transaction.commit()
