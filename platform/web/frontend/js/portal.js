// Comforts on top of pages that work without any of this.
(() => {
  "use strict";
  const doc = document;

  // A form is sent once: a second press within eight seconds does nothing.
  doc.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    const now = Date.now();
    if (form.dataset.sent && now - form.dataset.sent < 8000) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = now;
    const button = event.submitter || form.querySelector("button");
    if (button) {
      button.setAttribute("aria-disabled", "true");
      setTimeout(() => button.removeAttribute("aria-disabled"), 8000);
    }
  });

  // Back to a cached page: its forms may be sent again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    doc.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    doc.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  });

  // Menus of the header close on Escape, on a press outside and when another one opens.
  const open = () => doc.querySelectorAll("details.pop[open]");
  doc.addEventListener("click", (event) => {
    open().forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  doc.addEventListener("focusin", (event) => {
    open().forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  doc.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open().forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // «Показать» becomes «Скрыть» while the readings are shown.
  doc.addEventListener(
    "toggle",
    (event) => {
      const link = event.target.matches(".fold") && event.target.querySelector(".fold__link");
      if (link) link.textContent = event.target.open ? "Скрыть" : "Показать";
    },
    true,
  );

  // A button with `data-print` prints the page; it is hidden until this script runs.
  doc.querySelectorAll("[data-print]").forEach((button) => (button.hidden = false));
  doc.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });

  // The error summary gets the focus also where `autofocus` on a <div> is unknown; its links reach the field itself.
  const summary = doc.querySelector(".govuk-error-summary");
  if (summary) {
    if (!("autofocus" in HTMLElement.prototype)) summary.focus();
    summary.addEventListener("click", (event) => {
      const field = event.target.hash && doc.getElementById(event.target.hash.slice(1));
      if (!field) return;
      event.preventDefault();
      const label = doc.querySelector('label[for="' + field.id + '"]');
      (label || field).scrollIntoView();
      field.focus({ preventScroll: true });
    });
  }
})();
