/** What a signer may be called. Stands alone, so that the command line can ask it without loading what a signer is. */

/** What a host or node may be called (RFC 1123). */
export const SIGNER_NAME = /^[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?$/;
