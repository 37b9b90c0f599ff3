export const unused = "no default, so no scenario";
