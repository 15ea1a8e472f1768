// What is pressed on a phone is at least 48 px high, but links within a sentence.
export const PHONE = { width: 390, height: 800 };

export const small = (page) =>
  page.evaluate((least) => {
    const folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
    const found = [...document.querySelectorAll("a[href], button, summary, select, textarea, input:not([type=hidden])")].flatMap((target) => {
      const { height } = target.getBoundingClientRect();
      const inSentence = getComputedStyle(target).display === "inline" && target.parentElement.textContent.trim() !== target.textContent.trim();
      return height === 0 || height >= least || inSentence ? [] : [`${target.tagName.toLowerCase()} «${target.textContent.trim()}» is ${Math.round(height)} px high`];
    });
    for (const part of folded) part.open = false;
    return found;
  }, 48);
