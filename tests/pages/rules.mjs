// What html-validate asks of a page: its recommended rules, but these.
export const rules = {
  extends: ["html-validate:recommended"],
  rules: {
    // A telephone number may break: letters of the double size make it wider than the screen of a phone, and unbroken it
    // would run out of it.
    "tel-non-breaking": "off",
    // The flags of the list of accounts look and speak as checkboxes, but each is the button of a form, so that it works
    // without JavaScript: a press leads to the page that asks.
    "prefer-native-element": ["error", { exclude: ["checkbox"] }],
  },
};
