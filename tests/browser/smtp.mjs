// A mail server for tests: node smtp.mjs PORT FOLDER. Each accepted message becomes FOLDER/<n>.json.
// The recipient's name says what happens: refused… is refused for good, later… for now, slow… is answered
// after three seconds. With SMTP_USER and SMTP_PASSWORD in the environment only that user may send. With SMTP_TLS
// it speaks TLS, "implicit" or after "starttls", by the certificate and key in the files SMTP_CERT and SMTP_KEY.
import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

const [port, folder] = process.argv.slice(2);
const { SMTP_USER: user, SMTP_PASSWORD: password, SMTP_TLS: tls, SMTP_CERT: cert, SMTP_KEY: key } = process.env;
let number = readdirSync(folder).length;

const refusal = (responseCode, message) => Object.assign(new Error(message), { responseCode });

async function store(stream, session) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const to = session.envelope.rcptTo.map(({ address }) => address);
  if (to.some((address) => address.startsWith("slow"))) await new Promise((done) => setTimeout(done, 3000));
  const raw = Buffer.concat(chunks);
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true });
  const headers = Object.fromEntries(mail.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(":") + 1).trim()]));
  const message = {
    envelope: { from: session.envelope.mailFrom.address, to },
    user: session.user ?? null,
    secure: session.secure,
    headers,
    subject: mail.subject,
    from: mail.from.value[0],
    reply_to: mail.replyTo?.value[0].address ?? null,
    text: mail.text,
    html: mail.html || "",
    raw: raw.toString("latin1"),
  };
  number += 1;
  const file = path.join(folder, `${number}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(message));
  renameSync(`${file}.new`, file);
  return "accepted";
}

const server = new SMTPServer({
  authOptional: !user,
  allowInsecureAuth: true,
  secure: tls === "implicit",
  hideSTARTTLS: tls !== "starttls",
  ...(tls && { cert: readFileSync(cert), key: readFileSync(key) }),
  logger: false,
  onAuth({ username, password: given }, session, callback) {
    if (username === user && given === password) callback(null, { user });
    else callback(refusal(535, "5.7.8 wrong user or password"));
  },
  onRcptTo({ address }, session, callback) {
    if (address.startsWith("refused")) callback(refusal(550, `5.1.1 <${address}> unknown user`));
    else if (address.startsWith("later")) callback(refusal(451, `4.3.0 <${address}> try again later`));
    else callback();
  },
  onData(stream, session, callback) {
    // A sender that is killed cuts its message off: that one is none, the next ones are taken.
    store(stream, session).then((said) => callback(null, said), callback);
  },
});
server.on("error", () => {});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
