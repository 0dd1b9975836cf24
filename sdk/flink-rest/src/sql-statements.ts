/** What a semicolon inside does not end: quoted texts and names, in which a doubled quote stands for one, comments and hints. */
const tokens =
  /'(?:[^']|'')*'|`(?:[^`]|``)*`|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|;|[^'`"\-/;]+|[\s\S]/g;

/**
 * The statements of a script, without their semicolons. Empty ones are left out, and comments stay where they are. What stands between `EXECUTE STATEMENT SET BEGIN` and `END` is
 * one statement, as the gateway wants it.
 */
export function sqlStatements(script: string): readonly string[] {
  const statements: string[] = [];
  let text = '';
  let code = '';
  const finish = () => {
    if (code.trim() !== '') statements.push(text.trim());
    text = '';
    code = '';
  };
  for (const [token] of script.matchAll(tokens)) {
    const isComment =
      token.startsWith('--') || (token.startsWith('/*') && !token.startsWith('/*+'));
    if (token === ';' && !isOpenSet(code)) finish();
    else {
      text += token;
      code += isComment ? ' ' : token;
    }
  }
  finish();
  return statements;
}

/** A set of statements goes on until its END. */
function isOpenSet(code: string): boolean {
  return /^\s*EXECUTE\s+STATEMENT\s+SET\s+BEGIN\b/i.test(code) && !/;\s*END\s*$/i.test(code);
}
