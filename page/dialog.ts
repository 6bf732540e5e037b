// The form that the page opens for an action. Only the script shows it. Pure.
import { meanings } from '../operate/action.ts'
import { html, type Html } from './html.ts'

/**
 * The script finds its parts by their ids and names. A browser treats a field before
 * a password as a user name, unless autocomplete is off.
 */
export const actionDialog: Html = html`<dialog
  id="order"
  aria-labelledby="order-title"
>
  <form method="dialog">
    <h2 id="order-title">Change <b id="order-backend"></b></h2>
    <fieldset>
      <legend>Action</legend>
      ${Object.entries(meanings).map(
        ([action, meaning]) =>
          html`<label
            ><input type="radio" name="action" value="${action}" required />
            <b>${action}</b> <span class="dim">${meaning}</span></label
          >`,
      )}
    </fieldset>
    <div id="order-note">
      <label
        >For how long
        <input
          name="for"
          maxlength="20"
          placeholder="30m, 2h; empty: no end"
          autocapitalize="none"
          autocomplete="off"
      /></label>
      <label
        >Reason <input name="reason" maxlength="200" autocomplete="off"
      /></label>
    </div>
    <label id="order-token"
      >Token
      <input
        type="password"
        name="token"
        autocomplete="new-password"
        pattern="[ -~]+"
        title="ASCII characters only"
        required
    /></label>
    <p class="buttons">
      <button type="button" id="order-cancel">Cancel</button>
      <button type="submit">Apply</button>
    </p>
  </form>
</dialog>`
