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

  // A photo is sent as large as somebody needs it: lines are slow, and the server takes 10 MB. What this cannot
  // do, it leaves as it is.
  const SIDE = 2560;
  const smaller = async (file) => {
    if (file.size < 1e6 || !/^image\/(jpeg|png|webp)$/.test(file.type)) return file;
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = doc.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    if (!blob || blob.size >= file.size) return file;
    return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: blob.type });
  };
  doc.addEventListener("change", async (event) => {
    const input = event.target;
    if (input.type !== "file" || !self.createImageBitmap) return;
    const chosen = [...input.files];
    const files = await Promise.all(chosen.map((file) => smaller(file).catch(() => file)));
    // Others may have been chosen meanwhile.
    if (files.every((file, at) => file === chosen[at]) || chosen.some((file, at) => file !== input.files[at])) return;
    const box = new DataTransfer();
    files.forEach((file) => box.items.add(file));
    input.files = box.files;
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
