/** Where the window of a sign-in elsewhere tells the page that opened it that it is done. */
export const OAUTH_CHANNEL = "oxidify.oauth";
