throw new Error("tests are not scenarios");
